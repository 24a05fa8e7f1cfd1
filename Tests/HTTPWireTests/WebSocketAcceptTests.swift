import HTTPWire
import Testing

@Suite("The answer to a WebSocket key")
struct WebSocketAcceptTests {
    private func accept(_ key: String) -> String {
        let bytes = Array(key.utf8)
        return String(decoding: WebSocketAccept.value(for: bytes.span), as: UTF8.self)
    }

    @Test(
        "is the one of RFC 6455 section 1.3, and that of other keys",
        arguments: [
            ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
        ])
    func known(_ key: String, _ answer: String) { #expect(accept(key) == answer) }

    @Test(
        "is none for what is not base64 of sixteen bytes",
        arguments: [
            "", "x", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
            "dGhlIHNhbXBsZSBub25jZTI=", "dGhlIHNhbXBsZSBub25j!Q==", "dGhlIHNhbXBsZSBub25jZQ==AAAA",
            "dGhlIHNhbXBsZSBub25j\u{7b}Q==", "dGhlIHNhbXBsZSBub25j\u{40}Q==",
        ])
    func none(_ key: String) { #expect(accept(key) == "") }
}
