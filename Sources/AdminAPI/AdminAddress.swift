import Addresses

/// Where a node's admin API is reached.
package enum AdminAddress: Sendable, Equatable {
    /// A Unix socket of this machine.
    case socket(String)
    /// An address of `admin.listen`. The host has no brackets.
    case network(host: String, port: UInt16, isSecure: Bool)

    /// - Parameter text: `https://host:port`, `http://` of this machine, or the path of a socket.
    /// - Throws: `AdminError` that says what is wrong. A password in the text is not repeated.
    package init(parsing text: String) throws(AdminError) {
        if text.hasPrefix("/") || text.hasPrefix("./") || text.hasPrefix("../") {
            self = .socket(text)
            return
        }
        // Before anything else is said of it: what stands before the sign may be a secret, with or without a scheme.
        guard !text.contains("@") else {
            throw AdminError("an admin address has no user or password: give the token by --token-file FILE")
        }
        guard let mark = text.firstRange(of: "://"), ["https", "http"].contains(text[..<mark.lowerBound].lowercased())
        else {
            throw AdminError("\(text): an admin address is https://HOST:PORT, or the path of a socket")
        }
        let isSecure = text[..<mark.lowerBound].lowercased() == "https"
        var authority = text[mark.upperBound...]
        if authority.hasSuffix("/") { authority.removeLast() }
        guard let (host, port) = Self.parts(authority, standardPort: isSecure ? 443 : 80) else {
            throw AdminError("\(text): an admin address is https://HOST:PORT and nothing more")
        }
        guard isSecure || host == "localhost" || IPAddress(host)?.isLoopback == true else {
            throw AdminError("\(text): http is for this machine only, as the network could read the token; use https")
        }
        self = .network(host: host, port: port, isSecure: isSecure)
    }

    private static func parts(_ authority: Substring, standardPort: UInt16) -> (String, UInt16)? {
        var host = authority
        var rest = Substring()
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            rest = authority[authority.index(after: end)...]
            guard let address = IPAddress(String(host)), address.description.contains(":") else { return nil }
        } else {
            host = authority.prefix { $0 != ":" }
            rest = authority[host.endIndex...]
            let isName = host.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0 & 0xdf) || "-._".utf8.contains($0)
            }
            guard isName else { return nil }
        }
        guard !host.isEmpty else { return nil }
        guard !rest.isEmpty else { return (String(host), standardPort) }
        guard rest.hasPrefix(":"), rest.dropFirst().utf8.allSatisfy({ (48...57).contains($0) }),
            let port = UInt16(rest.dropFirst()), port > 0
        else { return nil }
        return (String(host), port)
    }

    /// What stands for a host where a socket has none.
    static let socketAuthority = "meridian"

    /// What the `Host` field says.
    var authority: String {
        switch self {
        case .socket: Self.socketAuthority
        case .network(let host, let port, _): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }
}

extension AdminAddress: CustomStringConvertible {
    package var description: String {
        switch self {
        case .socket(let path): path
        case .network(_, _, let isSecure): "\(isSecure ? "https" : "http")://\(authority)"
        }
    }
}
