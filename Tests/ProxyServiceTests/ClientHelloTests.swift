import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TLSWire
import TestSupport
import Testing
import TrafficModel

@testable import ProxyService

@Suite("What TLS clients say first")
struct ClientHelloTests {
    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let bytes = Mutex<[UInt8]>([])

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let part = unwrapInboundIn(data)
            bytes.withLock { $0 += part.readableBytesView }
        }
    }

    /// What a real client sends.
    private static func hello(
        _ name: String?, _ change: (inout TLSConfiguration) -> Void = { _ in }
    ) async throws -> [UInt8] {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        change(&configuration)
        let context = try NIOSSLContext(configuration: configuration)
        let collector = Collector()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { $0.pipeline.addHandler(collector) }
            .bind(host: "127.0.0.1", port: 0).get()
        let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: name))
                }
            }
            .connect(host: "127.0.0.1", port: server.localAddress?.port ?? 0).get()
        await Patience.lasts {
            let bytes = collector.bytes.withLock { $0 }
            // One record: the client says no more until it is answered.
            return bytes.count > 5 && bytes.count == 5 + Int(bytes[3]) << 8 + Int(bytes[4])
        }
        try await client.close()
        try await server.close()
        return collector.bytes.withLock { $0 }
    }

    private static func read(_ bytes: [UInt8]) -> ClientHello.Reading { ClientHello.read(bytes.span) }

    @Test("the name is read in lower case")
    func real() async throws {
        // What the library asks for by itself.
        let keys: CertificateKeys = [.rsa, .p256, .p384]
        let plain = Self.read(try await Self.hello("Shop.Example.COM"))
        #expect(plain == .hello(ClientHello(serverName: "shop.example.com", keys: keys)))
        #expect(Self.read(try await Self.hello(nil)) == .hello(ClientHello(serverName: nil, keys: keys)))
    }

    struct Taste: Sendable, CustomTestStringConvertible {
        let name: String
        var schemes: [SignatureAlgorithm] = [
            .ed25519, .ecdsaSecp256R1Sha256, .ecdsaSecp384R1Sha384, .ecdsaSecp521R1Sha512, .rsaPssRsaeSha256,
        ]
        var curves: [NIOTLSCurve]?
        /// TLS 1.2 with these suites, and no newer version.
        var suites: [NIOTLSCipher]?
        let keys: CertificateKeys
        /// Which one it gets of RSA, P-384, P-521 and Ed25519, and of Ed25519, P-521, P-384 and RSA.
        let chosen: (Int, Int)

        var testDescription: String { name }
    }

    private static let both: [NIOTLSCipher] = [
        .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ]

    private static let tastes: [Taste] = [
        Taste(name: "TLS 1.3, all", keys: .all, chosen: (1, 3)),
        Taste(
            name: "TLS 1.3, P-256 and RSA", schemes: [.ecdsaSecp256R1Sha256, .rsaPssRsaeSha256], keys: [.p256, .rsa],
            chosen: (0, 0)),
        Taste(
            name: "TLS 1.3, P-384 alone", schemes: [.ecdsaSecp384R1Sha384], keys: [.p384], chosen: (1, 1)),
        Taste(
            name: "TLS 1.3, RSA by PKCS #1 is for certificates only",
            schemes: [.ecdsaSecp521R1Sha512, .rsaPkcs1Sha256], keys: [.p521], chosen: (2, 2)),
        Taste(name: "TLS 1.3, Ed25519 alone", schemes: [.ed25519], keys: [.ed25519], chosen: (3, 3)),
        Taste(
            name: "TLS 1.3, none of these: the first", schemes: [.rsaPkcs1Sha256], keys: [], chosen: (0, 3)),
        Taste(
            name: "TLS 1.2, a curve's certificates need the curve", curves: [.x25519, .secp256r1, .secp521r1],
            suites: both, keys: [.rsa, .p256, .p521, .ed25519], chosen: (2, 3)),
        Taste(
            name: "TLS 1.2, no elliptic suite", curves: [.secp384r1], suites: [both[0]], keys: [.rsa],
            chosen: (0, 0)),
        Taste(
            name: "TLS 1.2, no suite for RSA", schemes: [.ecdsaSecp256R1Sha256, .rsaPkcs1Sha256],
            curves: [.secp256r1, .secp384r1], suites: [both[1]], keys: [.p256, .p384], chosen: (1, 1)),
        Taste(
            name: "TLS 1.2, RSA by PKCS #1", schemes: [.rsaPkcs1Sha256], suites: both, keys: [.rsa], chosen: (0, 0)),
    ]

    @Test("of several certificates for a name a client gets one that it takes", arguments: tastes)
    func choice(_ taste: Taste) async throws {
        let bytes = try await Self.hello("a.example") {
            $0.verifySignatureAlgorithms = taste.schemes
            if let curves = taste.curves { $0.curves = curves }
            if let suites = taste.suites {
                $0.maximumTLSVersion = .tlsv12
                $0.cipherSuiteValues = suites
            }
        }
        guard case .hello(let hello) = Self.read(bytes) else {
            Issue.record("no hello")
            return
        }
        #expect(hello.keys == taste.keys)
        let files = try TestCertificates.ofAllKinds()
        defer { files.remove() }
        for (order, chosen) in [([0, 1, 2, 3], taste.chosen.0), ([3, 2, 1, 0], taste.chosen.1)] {
            let tls = try ListenerTLS(
                Listener.TLS(certificates: order), certificates: files.certificates, protocols: [])
            #expect(order[tls.entry(for: hello.serverName, accepting: hello.keys)] == chosen, "\(order)")
        }
    }

    @Test(
        "a wildcard stands for one label that is there",
        arguments: [("x.b.example", 1), ("b.example", 1), (".b.example", 0), ("x.y.b.example", 0), ("", 0), (".", 0)])
    func wildcard(_ name: String, _ entry: Int) throws {
        let files = try TestCertificates()
        defer { files.remove() }
        let tls = try ListenerTLS(Listener.TLS(certificates: [0, 1]), certificates: files.certificates, protocols: [])
        #expect(tls.entry(for: name, accepting: .all) == entry)
    }

    @Test("every beginning is incomplete, however it is cut into records, and what follows does not matter")
    func splits() async throws {
        let bytes = try await Self.hello("a.test")
        for count in 0..<bytes.count { #expect(Self.read(Array(bytes[..<count])) == .incomplete, "\(count)") }
        let whole = Self.read(bytes)
        #expect(Self.read(bytes + [1, 2, 3]) == whole)
        let message = Array(bytes[5...])
        for cut in stride(from: 1, to: message.count, by: 7) {
            let record = { (part: ArraySlice<UInt8>) -> [UInt8] in
                [22, 3, 1, UInt8(part.count >> 8), UInt8(part.count & 255)] + part
            }
            #expect(Self.read(record(message[..<cut]) + record(message[cut...])) == whole, "\(cut)")
        }
    }

    @Test(
        "what is no hello is told at its first wrong byte",
        arguments: [
            Array("GET / HTTP/1.1\r\n".utf8), [22, 2, 0, 0, 5], [22, 3, 1, 0, 0], [22, 3, 1, 0x40, 1],
            [22, 3, 1, 0, 4, 2], [22, 3, 1, 0, 5, 1, 0x01, 0, 0, 0], [22, 3, 1, 0, 5, 1, 0, 0, 1, 3],
        ])
    func malformed(_ bytes: [UInt8]) { #expect(Self.read(bytes) == .malformed) }

    @Test("random damage never traps")
    func damage() async throws {
        let bytes = try await Self.hello("a.test")
        var random = SplitMix64(seed: 11)
        for _ in 0..<20_000 {
            var damaged = bytes
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if case .hello(let hello) = Self.read(damaged) { #expect(hello.serverName?.isEmpty != true) }
        }
    }
}

@Suite("Subjects of certificates as text, RFC 4514")
struct CertificateSubjectTests {
    private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        content.count < 128
            ? [tag, UInt8(content.count)] + content
            : [tag, 0x82, UInt8(content.count >> 8), UInt8(content.count & 255)] + content
    }

    private static func attribute(_ type: [UInt8], _ value: String, tag: UInt8 = 0x0c) -> [UInt8] {
        element(0x30, element(0x06, type) + element(tag, Array(value.utf8)))
    }

    private static func certificate(_ elements: [[UInt8]]) -> [UInt8] {
        let name = element(0x30, elements.flatMap { element(0x31, $0) })
        let empty = element(0x30, [])
        let signed = element(
            0x30, element(0xa0, [2, 1, 2]) + element(0x02, [1]) + empty + empty + empty + name + empty)
        return element(0x30, signed + empty + element(0x03, [0]))
    }

    private static func text(_ bytes: [UInt8]) -> String? {
        CertificateSubject.text(of: bytes).map { String(decoding: $0, as: UTF8.self) }
    }

    private static let commonName: [UInt8] = [0x55, 4, 3]

    @Test("a real one, and the same as NIOSSL has read it")
    func real() throws {
        let files = try TestCertificates()
        defer { files.remove() }
        let certificate = try NIOSSLCertificate.fromPEMFile(files.certificates[0].chainPath)[0]
        #expect(Self.text(try certificate.toDERBytes()) == "CN=a")
    }

    @Test("the last element comes first, types have their short names, and what is special is escaped")
    func writing() {
        let elements = [
            Self.attribute([0x55, 4, 6], "PL", tag: 0x13), Self.attribute([0x55, 4, 10], "A, B \"C\"; <d>+\\"),
            Self.attribute(Self.commonName, " #x é\n") + Self.attribute([0x2a, 3, 4], "y"),
        ]
        #expect(
            Self.text(Self.certificate(elements))
                == "CN=\\ #x \\C3\\A9\\0A+1.2.3.4=y,O=A\\, B \\\"C\\\"\\; \\<d\\>\\+\\\\,C=PL")
        #expect(Self.text(Self.certificate([Self.attribute(Self.commonName, "#1")])) == "CN=\\#1")
    }

    @Test(
        "other kinds of text are written by their encoding, RFC 4514 section 2.4",
        arguments: [(UInt8(0x14), "#1401E9"), (0x1e, "#1E01E9"), (0x1c, "#1C01E9"), (0x03, "#0301E9")])
    func encoded(_ tag: UInt8, _ expected: String) {
        let odd = Self.element(0x30, Self.element(0x06, Self.commonName) + Self.element(tag, [0xe9]))
        let other = Self.attribute([0x55, 4, 10], "Example")
        #expect(Self.text(Self.certificate([other, odd])) == "CN=\(expected),O=Example")
    }

    @Test("nothing and too much have none")
    func none() {
        #expect(Self.text(Self.certificate([])) == nil)
        let most = CertificateSubject.limit - 3
        #expect(
            Self.text(Self.certificate([Self.attribute(Self.commonName, String(repeating: "x", count: most))])) != nil)
        #expect(
            Self.text(Self.certificate([Self.attribute(Self.commonName, String(repeating: "x", count: most + 1))]))
                == nil)
    }

    @Test("no beginning of one traps or has another subject")
    func truncation() {
        let whole = Self.certificate([Self.attribute(Self.commonName, "alice")])
        for count in 0..<whole.count { #expect(Self.text(Array(whole[..<count])) == nil, "\(count)") }
    }
}
