/// One row of the tables in docs/steering.md, played over the code that answers queries.
struct MethodCase: Sendable, CustomStringConvertible {
    /// As the header of its table has it.
    let product: String
    /// As its row begins, without code marks.
    let row: String
    let play: @Sendable () throws -> Void

    init(_ product: String, _ row: String, _ play: @escaping @Sendable () throws -> Void) {
        self.product = product
        self.row = row
        self.play = play
    }

    var description: String { "\(product): \(row)" }

    static let all: [MethodCase] = bigIP + gdnsd + powerDNS + route53 + ns1
}
