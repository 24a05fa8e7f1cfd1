/// One line of a list or table, with its texts as they are shown: what a template renders, and what goes to open pages
/// to be put into the same places.
struct Row: Encodable, Sendable, Hashable {
    /// Names the row on its page, so that it stays the same element while it changes.
    var key: String
    /// A ``Condition``, or what else the look depends on.
    var state: String
    /// Texts by the name of their place. A place whose name is missing is empty.
    var fields: [String: String]

    enum CodingKeys: String, CodingKey {
        case key = "k"
        case state = "s"
        case fields = "f"
    }

    init(_ key: String, _ state: String, _ fields: [String: String]) {
        self.key = key
        self.state = state
        self.fields = fields
    }

    init(_ key: String, _ condition: Condition, _ fields: [String: String]) {
        self.init(key, condition.rawValue, fields)
    }

    /// What a template renders as the pattern for rows that come later.
    static let pattern = Row("", "", [:])

    /// For a template.
    var context: [String: Any] { ["key": key, "state": state, "f": fields] }
}
