import PeerIdentity
import Testing

struct CertificateNameTests {
    @Test(
        "a certificate's name covers hosts as RFC 9525 has it",
        arguments: [
            ("a.example.com", "a.example.com", true), ("A.example.COM.", "a.Example.com", true),
            ("a.example.com", "b.example.com", false), ("*.example.com", "a.example.com", true),
            ("*.example.com", "example.com", false), ("*.example.com", "a.b.example.com", false),
            ("a*.example.com", "ab.example.com", false), ("*.com", "example.com", false), ("*", "localhost", false),
            ("*.example.com", ".example.com", false), ("a.*.com", "a.b.com", false), ("", "", false),
            ("127.0.0.1", "localhost", false), ("localhost", "localhost", true),
        ])
    func names(name: String, host: String, isCovered: Bool) {
        #expect(CertificateName(name).covers(host) == isCovered)
    }
}
