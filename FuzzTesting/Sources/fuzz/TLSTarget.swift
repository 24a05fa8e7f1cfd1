import TLSWire

/// What is read of TLS before the library reads it: the first words of a client, in pieces and whole, and the subject
/// of a certificate.
///
/// The first byte chooses between the two; of a client it also says how its bytes are cut.
final class TLSTarget: FuzzTarget {
    static let name = "tls"

    init() {}

    func run(_ input: Span<UInt8>) {
        guard input.count >= 1 else { return }
        let bytes = input.array(from: 1)
        if input[0] & 1 == 0 { hello(bytes, step: 1 + Int(input[0] >> 1)) } else { subject(bytes) }
    }

    private func hello(_ bytes: [UInt8], step: Int) {
        let result = ClientHello.read(bytes.span)
        var isDecided = false
        for end in stride(from: 0, to: bytes.count, by: step) {
            switch ClientHello.read(bytes.span.extracting(0..<end)) {
            case .incomplete: require(!isDecided, "more bytes do not undo a verdict")
            case let verdict:
                isDecided = true
                require(verdict == result, "more bytes do not change a verdict")
            }
        }
        switch result {
        case .malformed: break
        case .incomplete:
            // Each record of at least one byte has five before it.
            require(bytes.count <= 6 * (ClientHello.limit + 5), "what may come is bounded")
        case .hello(let hello):
            guard let name = hello.serverName else { return }
            require(!name.isEmpty && name.utf8.count <= 255, "a name has a length")
            require(name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }, "a name can be logged")
            require(name == name.lowercased(), "a name is in lower case")
        }
    }

    private func subject(_ bytes: [UInt8]) {
        guard let text = CertificateSubject.text(of: bytes) else { return }
        require(!text.isEmpty && text.count <= CertificateSubject.limit, "a subject has a length")
        require(text.allSatisfy { $0 >= 0x20 && $0 < 0x7f }, "a subject can stand in a field")
    }

    // MARK: Seeds

    private static func vector(_ lengthBytes: Int, _ content: [UInt8]) -> [UInt8] {
        (0..<lengthBytes).reversed().map { UInt8(truncatingIfNeeded: content.count >> (8 * $0)) } + content
    }

    private static func hello(_ name: String?, record: Int) -> [UInt8] {
        var extensions: [UInt8] =
            [0, 13] + vector(2, vector(2, [4, 3, 8, 4])) + [0, 43] + vector(2, vector(1, [3, 4, 3, 3]))
        if let name { extensions += [0, 0] + vector(2, vector(2, [0] + vector(2, Array(name.utf8)))) }
        let body =
            [3, 3] + [UInt8](repeating: 7, count: 32) + vector(1, [UInt8](repeating: 9, count: 32))
            + vector(2, [0x13, 1, 0xc0, 0x2b, 0xc0, 0x2f]) + vector(1, [0]) + vector(2, extensions)
        let message = [1] + vector(3, body)
        return stride(from: 0, to: message.count, by: record).flatMap { start in
            [22, 3, 1] + vector(2, Array(message[start..<min(start + record, message.count)]))
        }
    }

    private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        content.count < 128
            ? [tag, UInt8(content.count)] + content : [tag, 0x82] + vector(2, content)
    }

    private static func certificate(_ names: [(type: [UInt8], tag: UInt8, text: String)]) -> [UInt8] {
        let subject = names.flatMap {
            element(0x31, element(0x30, element(6, $0.type) + element($0.tag, Array($0.text.utf8))))
        }
        let signed =
            element(0xa0, element(2, [2])) + element(2, [1]) + element(0x30, []) + element(0x30, []) + element(0x30, [])
            + element(0x30, subject)
        return element(0x30, element(0x30, signed))
    }

    static var seeds: [[UInt8]] {
        let hellos = [
            hello("shop.example.com", record: 16_384), hello(nil, record: 16_384), hello("a.test", record: 20),
            hello("UPPER", record: 1),
        ]
        let certificates = [
            certificate([
                ([0x55, 4, 6], 0x13, "DE"), ([0x55, 4, 10], 0x0c, "Ex, \"am\"ple"), ([0x55, 4, 3], 0x0c, " alice#"),
            ]),
            certificate([([0x2a, 3, 0x84, 0x37], 0x16, String(repeating: "x", count: 200))]),
        ]
        return hellos.flatMap { [[0] + $0, [12] + $0] } + certificates.map { [1] + $0 }
    }

    static var words: [[UInt8]] {
        [
            [22, 3, 1], [1, 0, 0], [3, 3], [0, 0], [0, 13], [0, 43], [3, 4], [4, 3], [0xc0, 0x2b], [0x30, 0x82],
            [0xa0, 3],
            [0x55, 4, 3], [0x55, 4, 10], [0x31], [0x0c], [0x13],
        ]
    }
}
