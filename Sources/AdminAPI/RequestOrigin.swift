import Addresses
import ControlPlane
import HTTPTypes
import Hummingbird

/// Where a request may come from: a page of another site must not use a browser, and what it can reach, for its own ends.
extension Request {
    /// Whether a browser sent it. Programs do not say where a request of theirs comes from.
    var isOfBrowser: Bool { headers[.origin] != nil || headers[.fetchSite] != nil }

    /// Whether it changes nothing (RFC 9110 section 9.2.1).
    var isHarmless: Bool { method == .get || method == .head }

    /// Refuses hosts that are not ours. A page of another site can give its own name our address (DNS rebinding), and
    /// then asks for that name; an address or `localhost` cannot be had that way.
    ///
    /// - Parameters:
    ///   - names: in lower case.
    ///   - advice: for those who meant this node.
    func checkHost(among names: some Sequence<String>, advice: String) throws(Refusal) {
        // The first is the request's authority; another would be a second opinion (RFC 9112 section 3.2).
        guard headers[.host] == nil else { throw Refusal(.badRequest, "Host: once") }
        let host = Self.host(head.authority ?? "")
        guard host == "localhost" || IPAddress(host) != nil || names.contains(host) else {
            throw Refusal(
                .misdirectedRequest, "\(QueryParameters.shown(host)) is none of this node's names; \(advice)",
                reason: .foreignHost)
        }
    }

    /// Without port and brackets, in lower case.
    private static func host(_ authority: String) -> String {
        var host = authority[...]
        if host.hasPrefix("[") {
            host = host.dropFirst().prefix { $0 != "]" }
        } else if let colon = host.lastIndex(of: ":") {
            host = host[..<colon]
        }
        return host.lowercased()
    }

    /// Refuses a change that another site's page made a browser send. Browsers say where a request comes from; a form
    /// cannot send JSON.
    ///
    /// - Parameter schemes: by which our own pages are reached.
    func checkOrigin(_ schemes: [String]) throws(Refusal) {
        let isOurs: Bool
        if let origin = headers[.origin]?.lowercased() {
            let own = (head.authority ?? "").lowercased()
            isOurs = schemes.contains { origin == "\($0)://\(own)" }
        } else {
            isOurs = ["same-origin", "none"].contains(headers[.fetchSite] ?? "")
        }
        guard isOurs else {
            throw Refusal(.forbidden, "browsers make changes from this node's own pages only", reason: .crossSite)
        }
        let hasBody = method == .post || method == .put || headers[.contentLength] != nil
        guard !hasBody || headers[.contentType]?.lowercased().hasPrefix("application/json") ?? false else {
            throw Refusal(.unsupportedMediaType, "Content-Type: application/json is needed", reason: .crossSite)
        }
    }
}

extension HTTPField.Name {
    static let fetchSite = Self("Sec-Fetch-Site")!
    static let host = Self("Host")!
}
