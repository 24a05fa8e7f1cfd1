import Addresses
import TestSupport
import Testing

@testable import DNSWire

@Suite("Queries off the wire")
struct QueryMessageTests {
    /// Reads a query for one name of the given wire form.
    private func folded(_ wire: [UInt8]) -> [UInt8]? {
        let message: [UInt8] = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + wire + [0, 1, 0, 1]
        var query = QueryMessage()
        var name = FoldedName()
        guard unsafe query.read(message.span.bytes, accepting: .all, name: &name) == .question else {
            return nil
        }
        return name.value?.wire
    }

    @Test("nothing of the message before is told of the next one")
    func forgets() {
        let plain: [UInt8] = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1]
        var option = plain
        option[11] = 1
        option += [0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0]
        var twice = option
        twice[11] = 2
        twice += [0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0]
        var query = QueryMessage()
        var name = FoldedName()
        func read(_ message: [UInt8]) { _ = unsafe query.read(message.span.bytes, accepting: .all, name: &name) }
        for next in [plain, twice, [], Array(plain.prefix(11))] {
            read(option)
            #expect(query.hasEDNS && query.dnssecOK)
            read(next)
            #expect(!query.hasEDNS && !query.dnssecOK && query.hasQuestion == (next.count > 12))
        }
        read(option)
        query.forget()
        #expect(!query.hasQuestion && !query.hasEDNS && !query.dnssecOK && query.options.isEmpty)
    }

    @Test("every length of name is folded whole, every byte as it should be, by a slow reader's account")
    func folding() {
        var random = SplitMix64(seed: 3)
        var name = FoldedName()
        for length in 1...255 where length != 2 {
            // Labels that add up to the length, of random bytes.
            var wire: [UInt8] = []
            while wire.count < length - 1 {
                let left = length - 1 - wire.count
                var size = min(63, left - 1)
                if left - 1 - size == 1 { size -= 1 }
                guard size > 0 else { break }
                wire += [UInt8(size)] + (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            }
            wire.append(0)
            guard wire.count == length else { continue }
            #expect(folded(wire) == DomainName(wire: wire)?.folded, "length \(length)")
        }
        let all = (0...3).map { part in [UInt8(63)] + (0..<63).map { UInt8(truncatingIfNeeded: part * 63 + $0) } }
        for label in all { #expect(folded(label + [0]) == DomainName(wire: label + [0])?.folded) }
        // What was in the memory before does not show.
        var query = QueryMessage()
        for wire in [all[0] + [0], [1, 0x41, 0], [0]] {
            let message: [UInt8] = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + wire + [0, 1, 0, 1]
            _ = unsafe query.read(message.span.bytes, accepting: .all, name: &name)
            #expect(name.value == DomainName(wire: wire))
        }
    }

    @Test("a whole query with a client subnet, cut anywhere, is never a question")
    func truncation() {
        var message = DNSMessage(id: 1, name: DomainName("www.example.com")!, type: .a)
        message.edns?.options = [.init(code: 8, data: [0, 1, 24, 0, 10, 1, 2]), .init(code: 12, data: [0, 0])]
        let wire = message.wire
        var query = QueryMessage()
        var name = FoldedName()
        let whole = unsafe query.read(wire.span.bytes, accepting: .all, name: &name)
        #expect(whole == .question)
        #expect(query.hasClientSubnet && query.subnetSource == 24 && query.subnetAddress == .v4(0x0a01_0200))
        for length in 0..<wire.count {
            let cut = Array(wire[..<length])
            let verdict = unsafe query.read(cut.span.bytes, accepting: .all, name: &name)
            #expect(verdict == (length < 12 ? .tooShort : .malformed))
        }
    }

    @Test("a message of values is the same after a round trip over the wire")
    func roundTrip() throws {
        var message = DNSMessage(id: 0xabcd, name: DomainName("WWW.example.com")!, type: .mx)
        message.isResponse = true
        message.isAuthoritative = true
        message.recursionDesired = true
        message.responseCode = 16
        message.edns?.options = [.init(code: 65_001, data: [1, 2, 3])]
        let mail = ResourceRecord(
            owner: DomainName("www.example.com")!, type: .mx, ttl: 7, data: [0, 5] + DomainName("mail")!.wire)
        message.answers = [mail, mail]
        message.authorities = [mail]
        message.additionals = [mail]
        let wire = message.wire
        #expect(try DNSMessage(wire: wire) == message)
        for length in 0..<wire.count {
            #expect(throws: DNSMessageError.self) { try DNSMessage(wire: wire[..<length]) }
        }
        #expect(throws: DNSMessageError.trailingBytes) { try DNSMessage(wire: wire + [0]) }
    }

    @Test("compression pointers that loop, or point forward, are refused")
    func pointers() {
        let head: [UInt8] = [0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        for name in [[0xc0, 12], [0xc0, 14, 0xc0, 12], [1, 0x61, 0xc0, 12], [0xff, 0xff], [0x40, 1]] as [[UInt8]] {
            #expect(throws: DNSMessageError.self) { try DNSMessage(wire: head + name + [0, 1, 0, 1]) }
        }
    }

    @Test("random bytes never stop the readers")
    func noise() {
        var random = SplitMix64(seed: 8)
        var query = QueryMessage()
        var name = FoldedName()
        for _ in 0..<20_000 {
            var bytes = (0..<Int(random.next() % 80)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            if bytes.count >= 12 {
                for index in 2..<12 { bytes[index] = 0 }
                bytes[5] = 1
                bytes[11] = UInt8(random.next() % 3)
            }
            _ = unsafe query.read(bytes.span.bytes, accepting: .all, name: &name)
            _ = try? DNSMessage(wire: bytes)  // The result does not matter here, only that it returns.
        }
    }
}
