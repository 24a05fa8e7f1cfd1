/// A host name that a certificate is for (dNSName, RFC 5280 section 4.2.1.6).
package struct CertificateName {
    private let labels: [Substring]

    package init(_ text: String) { labels = Self.labels(text) }

    /// RFC 9525 section 6.3: a wildcard stands for one whole label, the first, and not for all of a domain of the first
    /// level.
    package func covers(_ host: String) -> Bool {
        let others = Self.labels(host)
        guard labels.count == others.count, !others.contains("") else { return false }
        guard labels.first == "*" else { return labels == others }
        return labels.count > 2 && labels.dropFirst() == others.dropFirst()
    }

    /// In lower case, and without the root's.
    private static func labels(_ name: String) -> [Substring] {
        let lowered = name.lowercased()
        let rooted = lowered.hasSuffix(".") ? lowered.dropLast() : lowered[...]
        return rooted.split(separator: ".", omittingEmptySubsequences: false)
    }
}
