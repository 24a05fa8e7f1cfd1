import Addresses
import DNSWire
import Geography
import Steering
import TestSupport
import Testing
import TrafficModel

@testable import Authority

@Suite("Names and their entries")
struct NameEntryTests {
    /// Types without names in their data, so that answers compare as they are.
    private static let types: [RecordType] = [.a, .aaaa, .txt, .spf, .sshfp, .tlsa, .caa]

    /// A name below `example.com` with labels of any length and any bytes, few enough of them to meet again.
    private static func randomName(_ random: inout SplitMix64) -> DomainName {
        let origin = DomainName("example.com")!
        var wire: [UInt8] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let length =
                Bool.random(using: &random)
                ? Int.random(in: 1...3, using: &random) : Int.random(in: 1...63, using: &random)
            // Letters of both cases, digits, and now and then any byte; never a wildcard's one.
            let label = (0..<length).map { _ -> UInt8 in
                switch Int.random(in: 0..<8, using: &random) {
                case 0: UInt8.random(in: 65...90, using: &random)
                case 1: UInt8.random(in: 128...255, using: &random)
                default: UInt8.random(in: 97...105, using: &random)
                }
            }
            guard wire.count + label.count + 1 + origin.wire.count <= 255 else { break }
            wire += [UInt8(label.count)] + label
        }
        return DomainName(wire: wire + origin.wire)!
    }

    @Test("every name, type and absence is what a list of the records says", arguments: [UInt64(1), 2, 3, 4])
    func model(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let origin = DomainName("example.com")!
        var records = Fixture.zone("example.com", "$TTL 60\n@ SOA ns host 1 2 3 4 30\n@ NS ns\nns A 192.0.2.1\n")
            .records
        var model: [DomainName: [RecordType: [[UInt8]]]] = [:]
        for _ in 0..<400 {
            let name = Self.randomName(&random)
            // A set may be any of the sizes around the lines of the cache, and a name may have any number of sets.
            for type in Self.types.shuffled(using: &random).prefix(Int.random(in: 1...7, using: &random)) {
                guard model[name]?[type] == nil else { continue }
                let length = type == .a ? 4 : type == .aaaa ? 16 : Int.random(in: 1...80, using: &random)
                let data = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
                model[name, default: [:]][type, default: []].append(data)
                records.append(ResourceRecord(owner: name, type: type, ttl: 60, data: data))
            }
        }
        var exists: Set<DomainName> = [origin]
        for name in model.keys {
            var current: DomainName? = name
            while let here = current, exists.insert(here).inserted { current = here.parent }
        }
        var intent = Intent()
        intent.zones = [Zone(origin: origin, records: records)]
        var fixture = Fixture(intent)
        #expect(fixture.snapshot.data.nameCount == exists.count + 1, "and the name server's")
        for name in Array(model.keys) + (0..<400).map({ _ in Self.randomName(&random) }) + Array(exists) {
            let type = Self.types.randomElement(using: &random)!
            let response = try fixture.ask(DNSMessage(id: 5, name: name, type: type))
            if let found = model[name]?[type] {
                #expect(response.responseCode == 0 && response.answers.map(\.data) == found, "\(name) \(type)")
            } else {
                let isThere = exists.contains(name)
                #expect(response.answers.isEmpty && response.authorities.count == 1, "\(name) \(type)")
                #expect(response.responseCode == (isThere ? 0 : 3), "\(name) \(type)")
            }
        }
    }

    @Test("the hash of a question where it stands is that of its name in lower case")
    func hashes() {
        var random = SplitMix64(seed: 9)
        var name = FoldedName()
        for length in 0...60 {
            for _ in 0..<20 {
                var owner = Self.randomName(&random)
                if length < owner.wire.count,
                    let short = DomainName(wire: [UInt8(length)] + Array(repeating: 0x41, count: length) + [0])
                {
                    owner = short
                }
                let message = DNSMessage(id: 1, name: owner, type: .a, edns: nil).wire
                var query = QueryMessage()
                #expect(unsafe query.read(message.span.bytes, accepting: .all, name: &name) == .question)
                let folded = unsafe NameHash.hash(UnsafeRawPointer(name.start), length: name.length, seed: 77)
                #expect(unsafe NameHash.hash(questionOf: message.span.bytes, seed: 77) == folded)
                // Cut anywhere in the question, there is none.
                for end in 0..<message.count {
                    #expect(unsafe NameHash.hash(questionOf: Array(message[..<end]).span.bytes, seed: 77) == nil)
                }
            }
        }
    }

    @Test("looking ahead changes no answer, whatever the batch holds")
    func lookahead() throws {
        var fixture = Fixture()
        var random = SplitMix64(seed: 4)
        let names = [
            "www.example.com", "api.example.com", "nothing.example.com", "x.wild.example.com", "example.org", ".",
        ]
        var lookahead = BatchLookahead(capacity: 8)
        for _ in 0..<200 {
            // More than it has room for, and some that are no queries.
            let batch = (0..<12).map { _ -> [UInt8] in
                let wire = DNSMessage(id: 3, name: DomainName(names.randomElement(using: &random)!)!, type: .aaaa).wire
                return Array(
                    wire.prefix(
                        Bool.random(using: &random) ? wire.count : Int.random(in: 0...wire.count, using: &random)))
            }
            let before = batch.map { fixture.raw($0) }
            for message in batch { unsafe lookahead.add(message.span.bytes, snapshot: fixture.snapshot) }
            lookahead.run(snapshot: fixture.snapshot)
            // Steered names go round, so their answers are compared by size.
            #expect(batch.map { fixture.raw($0).count } == before.map(\.count))
        }
    }
}
