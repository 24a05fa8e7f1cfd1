/// How a wide IP or pool keeps to its objective: an element of the body of `GET /v1/sla`.
package struct ServiceLevel: Codable, Sendable {
    /// `wide-ip` or `pool`.
    package var kind: String
    package var name: String
    /// The part that must be good, such as 0.999.
    package var objective: Double
    /// Days of the objective's period.
    package var days: Int
    /// By the requests that this node served for it; absent without any in the period.
    package var requests: Measure?
    /// By the time in which it had something to answer with.
    package var time: Measure?

    package struct Measure: Codable, Sendable {
        /// In the period: requests, or seconds.
        package var good: Double
        package var bad: Double
        /// The good part of all, by window: `5m`, `1h`, `6h`, `period`. Windows without anything are left out.
        package var availability: [String: Double]
        /// How many times faster than allowed errors come, by window: 1 uses up the budget in just the period.
        package var burnRate: [String: Double]
        /// The part of the period's error budget that is left; negative when more was used than there is.
        package var budgetRemaining: Double
    }

    /// Whether it is what somebody means with a name. Of a wide IP capital letters do not count, nor a dot at the end.
    package func isNamed(_ text: String) -> Bool {
        guard kind == ServiceSubject.Kind.wideIP.rawValue else { return name == text }
        let (own, other) = (name.lowercased(), text.lowercased())
        return own == other || own == other + "." || own + "." == other
    }

    /// What errors the objective leaves room for. A whole would leave none, and every quotient would be infinite.
    static let smallestBudget = 1e-9

    init(_ subject: ServiceSubject, _ record: ServiceRecord, objective: Double, days: Int, at now: Int64) {
        kind = subject.kind.rawValue
        name = subject.name
        self.objective = objective
        self.days = days
        let budget = max(1 - objective, Self.smallestBudget)
        let sums = ServiceWindow.allCases.map { ($0, record.sum($0, days: days, at: now)) }
        requests = Measure(sums.map { ($0, Double($1.good), Double($1.bad)) }, budget: budget)
        time = Measure(sums.map { ($0, Double($1.up) / 1000, Double($1.down) / 1000) }, budget: budget)
    }
}

extension ServiceLevel.Measure {
    /// `nil` when the period has nothing.
    fileprivate init?(_ sums: [(window: ServiceWindow, good: Double, bad: Double)], budget: Double) {
        guard let period = sums.first(where: { $0.window == .period }), period.good + period.bad > 0 else { return nil }
        good = period.good
        bad = period.bad
        availability = [:]
        burnRate = [:]
        for sum in sums {
            let all = sum.good + sum.bad
            guard all > 0 else {
                burnRate[sum.window.rawValue] = 0
                continue
            }
            availability[sum.window.rawValue] = sum.good / all
            burnRate[sum.window.rawValue] = sum.bad / all / budget
        }
        budgetRemaining = 1 - period.bad / ((period.good + period.bad) * budget)
    }
}
