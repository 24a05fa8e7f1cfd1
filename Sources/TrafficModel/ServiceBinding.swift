/// What a pool's HTTPS records say besides its addresses (RFC 9460).
package struct ServiceBinding: Sendable, Hashable {
    /// Protocols, best first: `h2`, `http/1.1`, `h3`.
    package var protocols: [String] = ["h2", "http/1.1"]
    /// Another port than 443.
    package var port: UInt16?

    package init() {}
}
