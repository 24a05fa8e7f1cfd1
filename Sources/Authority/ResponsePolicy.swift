import Addresses
import DNSWire
import FlatTables
import TrafficModel

/// What a configuration says about responses beside their records, as the answering threads read it.
struct ResponsePolicy: Sendable {
    /// The EDNS options that are known.
    let options: QueryMessage.Options
    let requiresCookies: Bool
    /// 128...4096: what an answer to a UDP client without a good cookie may take, options left aside.
    let sizeWithoutCookie: Int
    /// The first makes cookies, all are accepted. None: secrets are made of `cookieSeed`, a new one each day.
    let secrets: FlatTable<SipKey>
    let cookieSeed: SipKey
    /// The name server identifier.
    let identifier: FlatTable<UInt8>
    /// The idle timeout in units of 100 ms (RFC 7828 section 3.1).
    let keepalive: UInt16
    /// What zones answer to ZONEVERSION, by position.
    let versions: FlatTable<ZoneVersion>
    let tellsEpoch: Bool
    let rateLimit: RateLimitPolicy

    init(_ settings: NameServer, zones: [Zone], cookieSeed: SipKey) {
        let answers = settings.answers
        var options: QueryMessage.Options = [.keepalive]
        if settings.clientSubnet { options.insert(.clientSubnet) }
        if answers.cookies.policy != .off { options.insert(.cookie) }
        if !answers.identifier.isEmpty { options.insert(.serverIdentifier) }
        if answers.zoneVersion != .off { options.insert(.zoneVersion) }
        self.options = options
        requiresCookies = answers.cookies.policy == .require
        sizeWithoutCookie = min(max(answers.udpSizeWithoutCookie ?? 4096, 128), 4096)
        secrets = FlatTable(answers.cookies.secrets)
        self.cookieSeed = cookieSeed
        identifier = FlatTable(Array(answers.identifier.prefix(64)))
        let units = settings.tcpIdle / .milliseconds(100)
        keepalive = units >= 65_535 ? 65_535 : UInt16(units)
        versions = FlatTable(zones.map { ZoneVersion($0) })
        tellsEpoch = answers.zoneVersion == .epoch
        rateLimit = RateLimitPolicy(answers.rateLimit)
    }

    func deallocate() {
        secrets.deallocate()
        identifier.deallocate()
        versions.deallocate()
        rateLimit.deallocate()
    }
}

/// The version of a zone that RFC 9660 section 2 defines: its SOA serial, and how many labels its name has.
struct ZoneVersion: BitwiseCopyable {
    var serial: UInt32
    var labelCount: UInt8
    /// `false`: the zone has no SOA, and no version.
    var isKnown: Bool

    init(_ zone: Zone) {
        labelCount = UInt8(truncatingIfNeeded: zone.origin.labelCount)
        let data = zone.records.first { $0.type == .soa && $0.owner == zone.origin }?.data
        isKnown = (data?.count ?? 0) > 20
        // Five numbers end the data; the first is the serial (RFC 1035 section 3.3.13).
        serial = data?.suffix(20).prefix(4).reduce(0) { $0 << 8 | UInt32($1) } ?? 0
    }
}

/// Response-rate limiting as the answering threads read it.
struct RateLimitPolicy: Sendable {
    let isOn: Bool
    /// By kind: nanoseconds between two responses that last; 0: not limited.
    let intervals: [5 of UInt64]
    let slip: UInt64
    let mask4: UInt32
    let mask6: UInt64
    let exempt: FlatTable<ExemptNetwork>

    init(_ limit: ResponseRateLimit?) {
        isOn = limit != nil
        let rates = limit?.rates ?? []
        intervals = .init { $0 < rates.count && rates[$0] > 0 ? 1_000_000_000 / UInt64(rates[$0]) : 0 }
        slip = UInt64(limit?.slip ?? 0)
        mask4 = IPPrefix.mask4(limit?.prefix4 ?? 32)
        mask6 = UInt64(truncatingIfNeeded: IPPrefix.mask6(limit?.prefix6 ?? 64) >> 64)
        exempt = FlatTable((limit?.exempt ?? []).map { ExemptNetwork($0) })
    }

    func deallocate() { exempt.deallocate() }

    /// Looked at only for responses over the limit.
    func isExempt(_ address: IPAddress) -> Bool {
        for index in 0..<exempt.count where exempt[index].contains(address) { return true }
        return false
    }
}

struct ExemptNetwork: BitwiseCopyable {
    let isV6: Bool
    let network: UInt128
    let mask: UInt128

    init(_ prefix: IPPrefix) {
        switch prefix.address {
        case .v4(let value):
            isV6 = false
            network = UInt128(value)
            mask = UInt128(IPPrefix.mask4(prefix.length))
        case .v6(let value):
            isV6 = true
            network = value
            mask = IPPrefix.mask6(prefix.length)
        }
    }

    func contains(_ address: IPAddress) -> Bool {
        switch address {
        case .v4(let value): !isV6 && UInt128(value) & mask == network
        case .v6(let value): isV6 && value & mask == network
        }
    }
}
