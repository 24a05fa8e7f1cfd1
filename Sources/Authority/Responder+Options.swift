import DNSWire
import FlatTables

/// Why a response is an error, as RFC 8914 tells clients.
struct ExtendedError {
    let code: UInt16
    let text: StaticString

    /// The name is in none of our zones.
    static let notAuthoritative = ExtendedError(code: 20, text: "")
    /// Zone transfers, and classes that nobody uses.
    static let notSupported = ExtendedError(code: 21, text: "")
    /// Pools are down, and their policy for that asks for an error.
    static let nothingAvailable = ExtendedError(code: 0, text: "no pool is available")
}

extension Responder {
    /// Bytes of an option's code and length.
    private static let optionHead = 4
    /// A client cookie and our server cookie.
    private static let cookieSize = 8 + ServerCookie.length
    private static let serialSize = 2 + 4
    /// Generation and epoch.
    private static let epochSize = 2 + 16
    /// RFC 9660 section 6.2: 246...254 are for private use.
    private static let epochType: UInt8 = 246

    /// Bytes of the response's OPT record.
    @inline(__always)
    func optionsSize(_ data: AuthorityData, _ error: ExtendedError? = nil) -> Int {
        guard query.hasEDNS else { return 0 }
        var size = 11
        if !query.options.isEmpty { size &+= answeredOptionsSize(data) }
        if let error { size &+= Self.optionHead &+ 2 &+ error.text.utf8CodeUnitCount }
        return size
    }

    private func answeredOptionsSize(_ data: AuthorityData) -> Int {
        let options = query.options
        var size = 0
        if options.contains(.clientSubnet) { size &+= Self.optionHead &+ query.subnetLength }
        if options.contains(.cookie) { size &+= Self.optionHead &+ Self.cookieSize }
        if options.contains(.serverIdentifier) { size &+= Self.optionHead &+ data.policy.identifier.count }
        if options.contains(.keepalive) { size &+= Self.optionHead &+ 2 }
        if versionZone >= 0 {
            size &+= Self.optionHead &+ Self.serialSize
            if data.policy.tellsEpoch { size &+= Self.optionHead &+ Self.epochSize }
        }
        return size
    }

    /// The zone that the answer comes from, for ZONEVERSION.
    @inline(__always)
    mutating func answers(fromZone zone: Int, _ data: AuthorityData) {
        guard query.options.contains(.zoneVersion), data.policy.versions[zone].isKnown else { return }
        versionZone = zone
    }

    /// OPT, if the query had one (RFC 6891 section 6.1.1), with an answer to each option that asks for one.
    @inline(__always)
    func writeOptions(
        _ message: RawSpan, _ data: AuthorityData, scope: UInt8, upperCode: UInt16 = 0, error: ExtendedError? = nil,
        _ writer: inout ResponseWriter
    ) {
        guard query.hasEDNS else { return }
        // The root, type OPT, our size, upper code bits, version 0, DO as it came (RFC 3225 section 3).
        writer.append8(0)
        writer.append32(41 << 16 | UInt32(truncatingIfNeeded: data.udpSize))
        writer.append32(UInt32(upperCode) << 24 | (query.dnssecOK ? 0x8000 : 0))
        writer.append16(UInt16(truncatingIfNeeded: optionsSize(data, error) &- 11))
        if !query.options.isEmpty { writeAnsweredOptions(message, data, scope: scope, &writer) }
        if let error {
            writer.append32(15 << 16 | UInt32(truncatingIfNeeded: 2 &+ error.text.utf8CodeUnitCount))
            writer.append16(error.code)
            writer.append(error.text)
        }
    }

    private func writeAnsweredOptions(
        _ message: RawSpan, _ data: AuthorityData, scope: UInt8, _ writer: inout ResponseWriter
    ) {
        let options = query.options
        if options.contains(.clientSubnet) {
            // RFC 7871 section 7.2.1: all but SCOPE as it came.
            writer.append32(8 << 16 | UInt32(truncatingIfNeeded: query.subnetLength))
            writer.append(message, from: query.subnetOffset, count: 3)
            writer.append8(scope)
            writer.append(message, from: query.subnetOffset &+ 4, count: query.subnetLength &- 4)
        }
        if options.contains(.cookie) {
            writer.append32(10 << 16 | UInt32(truncatingIfNeeded: Self.cookieSize))
            writer.append64(query.clientCookie.byteSwapped)
            writer.append64(serverCookie.head.byteSwapped)
            writer.append64(serverCookie.hash.byteSwapped)
        }
        if options.contains(.serverIdentifier) {
            counters.count(.identifiers)
            let identifier = data.policy.identifier
            writer.append32(3 << 16 | UInt32(truncatingIfNeeded: identifier.count))
            writer.append(identifier, from: 0, count: identifier.count)
        }
        if options.contains(.keepalive) {
            counters.count(.keepalives)
            writer.append32(11 << 16 | 2)
            writer.append16(data.policy.keepalive)
        }
        if versionZone >= 0 {
            counters.count(.zoneVersions)
            let version = data.policy.versions[versionZone]
            writer.append32(19 << 16 | UInt32(truncatingIfNeeded: Self.serialSize))
            writer.append8(version.labelCount)
            writer.append8(0)
            writer.append32(version.serial)
            if data.policy.tellsEpoch {
                writer.append32(19 << 16 | UInt32(truncatingIfNeeded: Self.epochSize))
                writer.append8(version.labelCount)
                writer.append8(Self.epochType)
                writer.append64(data.generation)
                writer.append64(epoch)
            }
        }
    }
}
