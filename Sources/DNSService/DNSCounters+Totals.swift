import Authority

extension DNSCounters {
    /// Everything that is counted, by name, over all threads: `question.` and a type, `response.` and an outcome, what
    /// queries and responses had, and `tcp.` and what became of connections.
    package var totals: [String: UInt64] {
        let counters = all
        var totals: [String: UInt64] = [:]
        for question in WorkerCounters.Question.allCases {
            totals["question.\(question)"] = counters.reduce(0) { $0 + $1.value(question) }
        }
        for outcome in Outcome.allCases {
            totals["response.\(outcome)"] = counters.reduce(0) { $0 + $1.value(outcome) }
        }
        for event in WorkerCounters.Event.allCases {
            totals["\(event)"] = counters.reduce(0) { $0 + $1.value(event) }
        }
        for event in TCPCounters.Event.allCases { totals["tcp.\(event)"] = tcp.value(event) }
        totals["tcp.open"] = UInt64(max(0, tcp.openCount))
        return totals
    }
}
