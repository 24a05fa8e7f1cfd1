/// Which rows of the service tree a page shows.
struct ServiceQuery: Hashable, Sendable {
    /// In the name, of any case; empty: all, as a tree.
    var text = ""
    /// `nil`: any.
    var condition: Condition?
    /// From 1.
    var page = 1
    /// Branches that are shown the other way than they would be by themselves.
    var toggled: Set<String> = []

    static let pageSize = 100
    static let textLimit = 320
    static let toggleLimit = 200

    init(text: String = "", condition: Condition? = nil, page: Int = 1, toggled: Set<String> = []) {
        self.text = String(text.prefix(Self.textLimit))
        self.condition = condition
        self.page = min(max(page, 1), 1_000_000)
        self.toggled = toggled.count <= Self.toggleLimit ? toggled : []
    }

    /// Parameters that make no sense are taken for those that are not there: a link from yesterday still leads
    /// somewhere.
    init(_ parameters: [(name: String, value: String)]) {
        func value(_ name: String) -> String { parameters.first { $0.name == name }?.value ?? "" }
        self.init(
            text: value("q"), condition: Condition(rawValue: value("state")), page: Int(value("page")) ?? 1,
            toggled: Set(parameters.filter { $0.name == "open" }.prefix(Self.toggleLimit + 1).map(\.value)))
    }

    var isSearch: Bool { !text.isEmpty || condition != nil }

    var href: String { "/services\(query)" }

    /// With the question mark; empty for the default.
    var query: String {
        var parts: [String] = []
        if !text.isEmpty { parts.append("q=\(Self.encode(text))") }
        if let condition { parts.append("state=\(condition.rawValue)") }
        if page > 1 { parts.append("page=\(page)") }
        parts += toggled.sorted().map { "open=\(Self.encode($0))" }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }

    /// As a part of a query (RFC 3986).
    static func encode(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 95, 126: result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}
