import Addresses

/// The parts of an `http` or `https` URL (RFC 3986) that decide where a request goes.
struct RequestTarget {
    let isSecure: Bool
    /// Without brackets and port.
    let host: String
    /// The one given, else the scheme's.
    let port: UInt16
    /// Host and port as they were written.
    let authority: String
    /// Path and query; `/` where there is none.
    let target: String

    init(_ url: String) throws(ExplanationError) {
        let lower = url.prefix(8).lowercased()
        let rest: Substring
        if lower.hasPrefix("https://") {
            (isSecure, rest) = (true, url.dropFirst(8))
        } else if lower.hasPrefix("http://") {
            (isSecure, rest) = (false, url.dropFirst(7))
        } else {
            throw ExplanationError(
                "\"\(url)\" is not a URL; write http://host/path or https://host/path", field: "url")
        }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw ExplanationError("it has spaces or characters that a client would have encoded", field: "url")
        }
        let text = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let end = rest[text.endIndex...].prefix { $0 != "#" }
        target = end.first == "/" ? String(end) : "/" + end
        authority = String(text)
        var name = text
        var number: UInt16? = isSecure ? 443 : 80
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            name = text[..<colon]
            number = UInt16(text[text.index(after: colon)...])
        }
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        guard let number, !name.isEmpty else {
            throw ExplanationError("\"\(authority)\" is not a host with or without a port", field: "url")
        }
        port = number
        host = String(name)
    }
}
