import HTTPWire
import Testing

@Suite("The answer to a WebSocket key")
struct WebSocketAcceptTests {
    private func accept(_ key: String) -> String {
        let bytes = Array(key.utf8)
        return String(decoding: WebSocketAccept.value(for: bytes.span), as: UTF8.self)
    }

    @Test(
        "is the one of RFC 6455 section 1.3, and of keys of other lengths",
        arguments: [
            ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
        ])
    func known(_ key: String, _ answer: String) { #expect(accept(key) == answer) }

    @Test("is none for what is no key")
    func none() {
        #expect(accept("") == "")
        #expect(accept(String(repeating: "a", count: 128)).count == 28)
        #expect(accept(String(repeating: "a", count: 129)) == "")
    }
}
