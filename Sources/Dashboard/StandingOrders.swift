import ControlPlane
import TrafficModel

/// The overrides in force that take something out, each with the parts that are as they are because of it.
struct StandingOrders {
    struct Part: Hashable {
        var kind: SubjectKind
        var name: String
        /// Of a pool or virtual server.
        var region: String?
    }

    private struct Order {
        var entry: NodeStatus.Override
        var kind: SubjectKind
        var condition: Condition
        var pattern: Glob
        var touched: [SubjectKind: [String]] = [:]
    }

    private var orders: [Order] = []
    /// Positions of those of one name, by kind and name, and of those with a pattern, by kind.
    private var exact: [Part: [Int]] = [:]
    private var patterns: [SubjectKind: [Int]] = [:]

    init(_ overrides: [NodeStatus.Override]) {
        for entry in overrides {
            guard let kind = SubjectKind(rawValue: entry.kind), let condition = Self.condition(of: entry.verdict) else {
                continue
            }
            let pattern = Glob(entry.name)
            if pattern.isPattern {
                patterns[kind, default: []].append(orders.count)
            } else {
                exact[Part(kind: kind, name: entry.name), default: []].append(orders.count)
            }
            orders.append(Order(entry: entry, kind: kind, condition: condition, pattern: pattern))
        }
    }

    /// What an order makes of what it names; `nil`: nothing that needs attention.
    private static func condition(of verdict: String) -> Condition? {
        switch verdict {
        case "drain": .draining
        case "disable": .disabled
        case "force-down": .down
        case "cutover": .cutOver
        default: nil
        }
    }

    /// Notes a part with the order that it is in this condition by.
    ///
    /// - Parameter isFailing: whether its checks fail: what is down by itself is not explained by having been forced down.
    /// - Returns: whether there is one.
    mutating func explain(_ part: Part, _ condition: Condition, isFailing: Bool) -> Bool {
        guard !orders.isEmpty, condition != .down || !isFailing else { return false }
        let position =
            order(.init(kind: part.kind, name: part.name), condition)
            ?? part.region.flatMap { order(.init(kind: .region, name: $0), condition) }
        guard let position else { return false }
        orders[position].touched[part.kind, default: []].append(part.name)
        return true
    }

    /// Whether an order says that it is to count as down.
    func isOrdered(_ part: Part) -> Bool {
        !orders.isEmpty
            && (order(.init(kind: part.kind, name: part.name), .down)
                ?? part.region.flatMap { order(.init(kind: .region, name: $0), .down) }) != nil
    }

    /// The order for a part itself, one of its very name before patterns.
    private func order(_ part: Part, _ condition: Condition) -> Int? {
        func explains(_ order: Order) -> Bool {
            // A region is what its parts come to, and some of those can be milder by orders of their own.
            order.condition == condition
                || part.kind == .region && order.condition == .disabled && condition == .draining
        }
        return exact[part]?.first { explains(orders[$0]) }
            ?? patterns[part.kind]?.first { explains(orders[$0]) && orders[$0].pattern.matches(part.name) }
    }

    /// Of those orders that anything is out by, wider ones first.
    var rows: [Row] {
        orders.filter { !$0.touched.isEmpty }.enumerated()
            .sorted { ($0.element.kind.rank, $0.offset) < ($1.element.kind.rank, $1.offset) }
            .map { Self.row($0.element) }
    }

    private static func row(_ order: Order) -> Row {
        let entry = order.entry
        var word = order.condition.word
        if entry.verdict == "force-down" { word = "Forced down" }
        if let target = entry.target { word += " to \(target)" }
        var fields = [
            "kind": order.kind.word, "name": entry.name, "word": word, "icon": order.condition.icon,
            "reason": reason(order), "href": "/operations", "subject": entry.kind,
        ]
        if entry.window == nil {
            fields["act"] = "enable"
            fields["actWord"] = "Enable"
        }
        return Row("order:\(entry.kind):\(entry.name):\(entry.window ?? "")", order.condition, fields)
    }

    /// What else it touches, who gave it, and why.
    private static func reason(_ order: Order) -> String {
        let parts = TouchedParts.text(order.touched, except: (order.kind, order.entry.name))
        let entry = order.entry
        let touches = parts.isEmpty ? nil : "\(order.pattern.isPattern ? "touches" : "with") \(parts)"
        let origin = entry.window.map { "window \($0)" } ?? (entry.author.isEmpty ? nil : "by \(entry.author)")
        let why = entry.reason.isEmpty ? nil : "“\(entry.reason)”"
        return [touches, origin, why].compactMap(\.self).joined(separator: " · ")
    }
}
