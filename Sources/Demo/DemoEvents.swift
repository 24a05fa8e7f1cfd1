/// The latest changes of state and commands, as lines.
struct DemoEvents: Sendable {
    static let limit = 50

    private(set) var lines: [String] = []
    private var marks: [String: DemoStatus.Mark] = [:]

    /// Adds a line for each thing whose mark is another than at the last call.
    mutating func follow(_ current: [String: DemoStatus.Mark], elapsed: Duration) {
        for (name, mark) in current.sorted(by: { $0.key < $1.key }) {
            guard let before = marks[name], before != mark else { continue }
            switch mark {
            case .up where before == .unknown: note("\(name) is up", elapsed: elapsed)
            case .up where before == .ejected: note("\(name) is tried again", elapsed: elapsed)
            case .up: note("\(name) is back up", elapsed: elapsed)
            case .down: note("\(name) is seen down", elapsed: elapsed)
            case .ejected: note("\(name) is ejected after a failed connection", elapsed: elapsed)
            case .draining: note("\(name) drains", elapsed: elapsed)
            case .unknown: break
            }
        }
        marks = current
    }

    mutating func note(_ text: String, elapsed: Duration) {
        lines.append("\(elapsed.clock)  \(text)")
        if lines.count > Self.limit { lines.removeFirst() }
    }
}

extension Duration {
    /// Minutes and seconds: `2:07`.
    var clock: String {
        let seconds = components.seconds
        let rest = String(seconds % 60)
        return "\(seconds / 60):" + (rest.count == 1 ? "0" + rest : rest)
    }

    /// Seconds with one digit after the point: `2.7 s`.
    var tenths: String {
        let value = (self / .milliseconds(100)).rounded()
        return "\(Int(value) / 10).\(abs(Int(value)) % 10) s"
    }
}
