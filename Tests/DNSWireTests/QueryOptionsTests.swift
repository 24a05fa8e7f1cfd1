import Addresses
import Testing

@testable import DNSWire

@Suite("EDNS options off the wire")
struct QueryOptionsTests {
    /// A query with the given options, read.
    private func read(
        _ options: [DNSMessage.EDNS.Option], accepting: QueryMessage.Options = .all, hasQuestion: Bool = true,
        change: (inout [UInt8]) -> Void = { _ in }
    ) -> (verdict: QueryMessage.Verdict, query: QueryMessage, wire: [UInt8]) {
        var message = DNSMessage(id: 1, name: DomainName("www.example.com")!, type: .a)
        message.edns?.options = options
        if !hasQuestion { message.questions = [] }
        var wire = message.wire
        change(&wire)
        var query = QueryMessage()
        var name = FoldedName()
        let verdict = unsafe query.read(wire.span.bytes, accepting: accepting, name: &name)
        return (verdict, query, wire)
    }

    private func option(_ code: UInt16, _ data: [UInt8] = []) -> DNSMessage.EDNS.Option {
        .init(code: code, data: data)
    }

    @Test("a cookie has 8 bytes, or 16 to 40; all else is FORMERR", arguments: 0...64)
    func cookieLengths(length: Int) {
        let (verdict, query, _) = read([option(10, (0..<length).map { UInt8($0) })])
        let isRight = length == 8 || (16...40).contains(length)
        #expect(verdict == (isRight ? .question : .malformed))
        #expect(query.options == (isRight ? .cookie : []))
        if isRight {
            #expect(query.clientCookie == 0x0706_0504_0302_0100)
            #expect(query.serverCookieLength == length - 8)
        }
        // Not known: ignored, whatever is in it.
        #expect(read([option(10, [UInt8](repeating: 0, count: length))], accepting: []).verdict == .question)
    }

    @Test("of several cookies the first counts, even if a later one is malformed")
    func severalCookies() {
        let (verdict, query, _) = read([option(10, [UInt8](repeating: 1, count: 8)), option(10, [1, 2, 3])])
        #expect(verdict == .question)
        #expect(query.clientCookie == 0x0101_0101_0101_0101)
    }

    @Test("a server cookie of 16 bytes is one of RFC 9018, others are not", arguments: [8, 15, 16, 17, 32])
    func serverCookie(length: Int) {
        let (_, query, wire) = read([option(10, (0..<(8 + length)).map { UInt8($0) })])
        let cookie = query.serverCookie(in: unsafe wire.span.bytes)
        #expect((cookie != nil) == (length == 16))
        if length == 16 {
            #expect(cookie == ServerCookie(head: 0x0f0e_0d0c_0b0a_0908, hash: 0x1716_1514_1312_1110))
        }
    }

    @Test("no question: with a cookie a question for one, without it a mistake, with anything else a mistake too")
    func noQuestion() {
        let cookie = option(10, [UInt8](repeating: 1, count: 8))
        let asked = read([cookie], hasQuestion: false)
        #expect(asked.verdict == .cookieQuestion)
        #expect(!asked.query.hasQuestion && asked.query.questionEnd == 12)
        #expect(read([], hasQuestion: false).verdict == .malformed)
        #expect(read([], hasQuestion: false).query.hasEDNS)
        #expect(read([cookie], accepting: [], hasQuestion: false).verdict == .malformed)
        #expect(read([cookie], hasQuestion: false) { $0.append(0) }.verdict == .malformed)
        for count in [5, 7, 9] {
            let verdict = read([cookie], hasQuestion: false) { $0[count] += 1 }.verdict
            #expect(verdict == .malformed, "count at \(count)")
        }
        #expect(read([cookie], hasQuestion: false) { $0[12 + 6] = 1 }.verdict == .unsupportedVersion)
    }

    @Test("NSID is taken with anything in it, keepalive and ZONEVERSION only when they are empty")
    func empty() {
        for data: [UInt8] in [[], [1], [1, 2]] {
            #expect(read([option(3, data)]).verdict == .question)
            #expect(read([option(3, data)]).query.options == .serverIdentifier)
            for (code, known) in [(11, .keepalive), (19, .zoneVersion)] as [(UInt16, QueryMessage.Options)] {
                let (verdict, query, _) = read([option(code, data)])
                #expect(verdict == (data.isEmpty ? .question : .malformed))
                #expect(query.options == (data.isEmpty ? known : []))
                #expect(read([option(code, data)], accepting: []).verdict == .question)
            }
        }
    }

    struct Subnet: Sendable, CustomTestStringConvertible {
        let title: String
        let data: [UInt8]
        let isRight: Bool
        var testDescription: String { title }
    }

    /// RFC 7871 sections 6 and 7.1.
    static let subnets = [
        Subnet(title: "IPv4 /24", data: [0, 1, 24, 0, 10, 1, 2], isRight: true),
        Subnet(title: "IPv4 /32", data: [0, 1, 32, 0, 10, 1, 2, 3], isRight: true),
        Subnet(title: "IPv4 /0", data: [0, 1, 0, 0], isRight: true),
        Subnet(title: "IPv4 /20, four bits of a byte", data: [0, 1, 20, 0, 10, 1, 0xf0], isRight: true),
        Subnet(title: "IPv4 /1", data: [0, 1, 1, 0, 0x80], isRight: true),
        Subnet(title: "IPv6 /56", data: [0, 2, 56, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 1], isRight: true),
        Subnet(title: "IPv6 /128", data: [0, 2, 128, 0] + [UInt8](repeating: 1, count: 16), isRight: true),
        Subnet(title: "IPv6 /0", data: [0, 2, 0, 0], isRight: true),
        Subnet(title: "no family, no address", data: [0, 0, 0, 0], isRight: true),
        Subnet(title: "empty", data: [], isRight: false),
        Subnet(title: "cut in the head", data: [0, 1, 24], isRight: false),
        Subnet(title: "a scope in a query", data: [0, 1, 24, 24, 10, 1, 2], isRight: false),
        Subnet(title: "a bit past SOURCE", data: [0, 1, 23, 0, 10, 1, 3], isRight: false),
        Subnet(title: "the lowest bit past SOURCE", data: [0, 1, 17, 0, 10, 1, 0x01], isRight: false),
        Subnet(title: "a byte too few", data: [0, 1, 24, 0, 10, 1], isRight: false),
        Subnet(title: "a byte too many", data: [0, 1, 24, 0, 10, 1, 2, 0], isRight: false),
        Subnet(title: "IPv4 /33", data: [0, 1, 33, 0, 10, 1, 2, 3, 0], isRight: false),
        Subnet(title: "IPv6 /129", data: [0, 2, 129, 0] + [UInt8](repeating: 0, count: 17), isRight: false),
        Subnet(title: "IPv6, a bit past SOURCE", data: [0, 2, 47, 0, 0x20, 1, 0xd, 0xb8, 0, 1], isRight: false),
        Subnet(title: "a family that is none", data: [0, 3, 8, 0, 1], isRight: false),
        Subnet(title: "a family of two bytes", data: [1, 1, 24, 0, 10, 1, 2], isRight: false),
        Subnet(title: "no family, but a prefix", data: [0, 0, 8, 0, 10], isRight: false),
        Subnet(title: "an address after SOURCE 0", data: [0, 1, 0, 0, 10], isRight: false),
    ]

    @Test(
        "Client Subnet: what is right is taken, the rest is FORMERR, and ignored when it is not known",
        arguments: subnets)
    func clientSubnet(subnet: Subnet) {
        let (verdict, query, _) = read([option(8, subnet.data)])
        #expect(verdict == (subnet.isRight ? .question : .malformed))
        #expect(query.hasClientSubnet == subnet.isRight)
        #expect(query.hasEDNS)
        #expect(read([option(8, subnet.data)], accepting: [.cookie]).verdict == .question)
        // Two of them say two things.
        if subnet.isRight { #expect(read([option(8, subnet.data), option(8, subnet.data)]).verdict == .malformed) }
    }

    @Test("after a mistake no option counts, whatever came before")
    func mistakes() {
        let whole = [option(10, [UInt8](repeating: 1, count: 8)), option(3), option(8, [0, 1, 24, 0, 10, 1, 2])]
        #expect(read(whole).query.options == [.cookie, .serverIdentifier, .clientSubnet])
        for code: UInt16 in [8, 11, 19] {
            let (verdict, query, _) = read(whole + [option(code, [9])])
            #expect(verdict == .malformed && query.options == [])
        }
        // Options of another version are not looked at.
        let (verdict, query, _) = read([option(8, [9])]) { $0[12 + 21 + 6] = 1 }
        #expect(verdict == .unsupportedVersion && query.options == [])
    }

    @Test("all options at once, cut anywhere, are never a question")
    func truncation() {
        let options = [
            option(10, [UInt8](repeating: 1, count: 24)), option(3), option(8, [0, 1, 24, 0, 10, 1, 2]), option(11),
            option(19),
        ]
        let (verdict, _, wire) = read(options)
        #expect(verdict == .question)
        var query = QueryMessage()
        var name = FoldedName()
        for length in 0..<wire.count {
            let cut = Array(wire[..<length])
            let verdict = unsafe query.read(cut.span.bytes, accepting: .all, name: &name)
            #expect(verdict == .tooShort || verdict == .malformed)
            #expect(query.options == [])
        }
    }
}
