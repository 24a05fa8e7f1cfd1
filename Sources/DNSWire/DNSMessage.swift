package import Addresses

/// A whole DNS message as values: for clients and tests. The server's own path never makes one.
package struct DNSMessage: Hashable, Sendable {
    package struct Question: Hashable, Sendable {
        package var name: DomainName
        package var type: RecordType
        /// 1 is IN.
        package var recordClass: UInt16 = 1

        package init(name: DomainName, type: RecordType, recordClass: UInt16 = 1) {
            self.name = name
            self.type = type
            self.recordClass = recordClass
        }
    }

    /// The OPT record (RFC 6891).
    package struct EDNS: Hashable, Sendable {
        package struct Option: Hashable, Sendable {
            package var code: UInt16
            package var data: [UInt8]

            package init(code: UInt16, data: [UInt8]) {
                self.code = code
                self.data = data
            }
        }

        package var udpSize: UInt16 = 1232
        package var version: UInt8 = 0
        package var dnssecOK = false
        package var options: [Option] = []

        package init() {}
    }

    /// RFC 7871 section 6.
    package struct ClientSubnet: Hashable, Sendable {
        package var address: IPAddress
        package var source: UInt8
        package var scope: UInt8

        package init(address: IPAddress, source: UInt8, scope: UInt8 = 0) {
            self.address = address
            self.source = source
            self.scope = scope
        }
    }

    package var id: UInt16 = 0
    package var isResponse = false
    /// 0 is QUERY.
    package var opcode: UInt8 = 0
    package var isAuthoritative = false
    package var isTruncated = false
    package var recursionDesired = false
    package var recursionAvailable = false
    package var authenticData = false
    package var checkingDisabled = false
    /// With the upper bits of EDNS: 16 is BADVERS.
    package var responseCode: UInt16 = 0
    package var questions: [Question] = []
    package var answers: [ResourceRecord] = []
    package var authorities: [ResourceRecord] = []
    /// Without OPT.
    package var additionals: [ResourceRecord] = []
    package var edns: EDNS?

    package init() {}

    /// A query for one name.
    package init(id: UInt16, name: DomainName, type: RecordType, edns: EDNS? = EDNS(), subnet: ClientSubnet? = nil) {
        self.id = id
        questions = [Question(name: name, type: type)]
        self.edns = edns
        if let subnet {
            if self.edns == nil { self.edns = EDNS() }
            self.edns?.options.append(subnet.option)
        }
    }

    /// The Client Subnet option, if it is there and can be read.
    package var clientSubnet: ClientSubnet? {
        guard let data = edns?.options.first(where: { $0.code == 8 })?.data, data.count >= 4 else { return nil }
        let size = data[1] == 1 ? 4 : 16
        guard data[0] == 0, data[1] == 1 || data[1] == 2, data.count <= 4 + size,
            let address = IPAddress(bytes: data[4...] + Array(repeating: 0, count: size + 4 - data.count))
        else { return nil }
        return ClientSubnet(address: address, source: data[2], scope: data[3])
    }

    /// What RFC 8914 says about the code, if the option is there: 20 is Not Authoritative.
    package var extendedError: UInt16? {
        guard let data = edns?.options.first(where: { $0.code == 15 })?.data, data.count >= 2 else { return nil }
        return UInt16(data[0]) << 8 | UInt16(data[1])
    }

    /// The lowest TTL of the answers; `nil` without any.
    package var lowestTTL: UInt32? { answers.map(\.ttl).min() }

    /// The addresses that the answers hold, in order.
    package var addresses: [IPAddress] {
        answers.filter { $0.type == .a || $0.type == .aaaa }.compactMap { IPAddress(bytes: $0.data) }
    }

    /// The target of the first CNAME for `name`.
    package func alias(of name: DomainName) -> DomainName? {
        answers.first { $0.type == .cname && $0.owner == name }.flatMap { DomainName(wire: $0.data) }
    }
}

extension DNSMessage.ClientSubnet {
    /// As many bytes of the address as `source` asks for; bits past it are sent as they are.
    package var option: DNSMessage.EDNS.Option {
        let family: UInt8 = if case .v4 = address { 1 } else { 2 }
        let data = [0, family, source, scope] + address.bytes.prefix((Int(source) + 7) / 8)
        return .init(code: 8, data: data)
    }
}
