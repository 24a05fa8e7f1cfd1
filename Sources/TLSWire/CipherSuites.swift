/// What TLS 1.2 may encrypt with. TLS 1.3 has no weak ones to leave out.
package enum CipherSuites {
    /// In OpenSSL's words: forward secrecy and authenticated encryption only. Clients without them are older than TLS 1.2
    /// in use, and what is left out is open to Lucky Thirteen, or prohibited for HTTP/2 (RFC 9113 appendix A).
    package static let served = "ECDHE+AESGCM:ECDHE+CHACHA20"
}
