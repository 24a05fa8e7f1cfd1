internal import TrafficModel

/// `failback:` of virtual servers and regions.
enum FailbackSection {
    private static let fresh = Failback()

    static let hold = Shape<Duration>.duration(0...86_400_000).field(
        "hold", default: fresh.hold, "How long it must have been up without a break.")
    static let manual = Shape<Bool>.boolean.field(
        "manual", default: fresh.manual, "Whether it stays out until an operator resumes it.")
    static let damping = dampingShape.field("damping", "Keeps out what falls too often.")

    static let falls = Shape<Int>.integer(2...100).field(
        "falls", required: true, "Each fall counts one; with so many it stays out until half of that is left.")
    static let halfLife = Shape<Duration>.duration(1000...86_400_000).field(
        "half_life", default: .seconds(300), "After this time a fall counts half.")
    static let dampingModel = ObjectModel(
        title: "failback.damping", summary: "", fields: [falls.description, halfLife.description])

    private static let dampingShape = Shape<Failback.Damping>(.object(dampingModel)) { node, context in
        guard let reader = ObjectReader(dampingModel, node, context), let count = reader.read(falls, context) else {
            return nil
        }
        return Failback.Damping(falls: count, halfLife: reader.read(halfLife, context))
    }

    static let model = ObjectModel(
        title: "failback", summary: "What a virtual server that was down must show before it is used again.",
        fields: [hold.description, manual.description, damping.description])

    static let shape = Shape<Failback>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var failback = Failback()
        failback.hold = reader.read(hold, context)
        failback.manual = reader.read(manual, context)
        failback.damping = reader.read(damping, context)
        return failback
    }
}

extension Shape where Value == MinimumUp {
    /// `2`, or `50%`.
    static var minimumUp: Shape {
        scalar(
            ScalarDescription(
                kind: "number or share", range: "1 to 64, or 1% to 100%", pattern: "^[0-9]+%?$", type: .stringOrInteger),
            text: { minimum in
                switch minimum {
                case .count(let count): "\(count)"
                case .share(let share): "\(Int((share * 100).rounded()))%"
                }
            }
        ) { text, position, context in
            let digits = text.hasSuffix("%") ? String(text.dropLast()) : text
            if Units.isNumber(digits), let value = Int(digits) {
                if text.hasSuffix("%"), (1...100).contains(value) { return .share(Double(value) / 100) }
                if !text.hasSuffix("%"), (1...64).contains(value) { return .count(value) }
            }
            context.error(
                position, "\"\(text.shortened)\" is no number of virtual servers",
                "write 1 to 64, or a share as 50%")
            return nil
        }
    }
}
