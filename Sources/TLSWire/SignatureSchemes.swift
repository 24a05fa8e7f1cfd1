/// What may sign a handshake (RFC 8446 section 4.2.3), the best first: what the TLS library offers and takes by itself,
/// less SHA-1, which TLS 1.2 must not sign with any more (RFC 9155).
package enum SignatureSchemes {
    /// That peers may sign with.
    package static let verified: [UInt16] = [
        0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
    ]

    /// That are signed with here.
    package static let signed: [UInt16] = [
        0x0807, 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0603, 0x0806, 0x0601,
    ]
}
