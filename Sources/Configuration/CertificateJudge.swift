package import TrafficModel

/// What a TLS library says of the files of certificates. The loader by itself looks at their outer form only.
package struct CertificateJudge: Sendable {
    /// What is wrong with a file, or with two together, in one sentence, and what to do.
    package typealias Verdict = (wrong: String, advice: String)

    /// Of a chain and its key, both of which have the outer form; `nil`: they can be used together.
    package let pair: @Sendable (Certificate) -> Verdict?
    /// Of a file of authorities; `nil`: they can be believed.
    package let authorities: @Sendable (String) -> Verdict?

    package init(
        pair: @escaping @Sendable (Certificate) -> Verdict?, authorities: @escaping @Sendable (String) -> Verdict?
    ) {
        self.pair = pair
        self.authorities = authorities
    }
}
