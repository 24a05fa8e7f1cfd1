internal import Addresses
internal import DNSWire

extension Shape {
    /// A scalar that `parse` understands; `wrong` and `advice` say what is the matter otherwise.
    static func scalar(
        _ description: ScalarDescription, text: @escaping @Sendable (Value) -> String = { "\($0)" },
        _ parse: @escaping @Sendable (String, Position, DecodingContext) -> Value?
    ) -> Shape {
        Shape(.scalar(description), text: text) { node, context in
            if node.isNull {
                context.error(
                    node.position, "the key has no value", "give it a \(description.kind), or remove it")
                return nil
            }
            guard case .scalar(let string, _) = node.content else {
                context.error(
                    node.position, "a \(description.kind) was expected, not \(node.noun)", "write one value")
                return nil
            }
            return parse(string, node.position, context)
        }
    }

    /// Lists of this shape, in square brackets or with dashes.
    static func list<Element>(of element: Shape<Element>, minimum: Int = 0) -> Shape<[Element]>
    where Value == [Element] {
        Shape<[Element]>(
            .list(element.description, minimum: minimum),
            text: { list in "[\(list.map(element.text).joined(separator: ", "))]" }
        ) { node, context in
            guard case .list(let nodes) = node.content else {
                if node.isNull, minimum == 0 { return [] }
                let example =
                    if case .scalar(let text, _) = node.content { "write [\(text.shortened)]" } else { "write [a, b]" }
                context.error(node.position, "a list was expected, not \(node.noun)", example)
                return nil
            }
            if nodes.count < minimum {
                context.error(node.position, "the list is empty", "give at least \(minimum)")
                return nil
            }
            return nodes.compactMap { element.read($0, context) }
        }
    }

    /// One value without brackets, or a list.
    static func oneOrList<Element>(of element: Shape<Element>) -> Shape<[Element]> where Value == [Element] {
        let list = Shape<[Element]>.list(of: element, minimum: 1)
        return Shape<[Element]>(.oneOrList(element.description), text: { $0.map(element.text).joined(separator: ", ") })
        {
            node, context in
            if case .list = node.content { return list.read(node, context) }
            return element.read(node, context).map { [$0] }
        }
    }

    /// The value with the place it was written at.
    var located: Shape<Located<Value>> {
        let read = self.read
        return Shape<Located<Value>>(description) { node, context in
            read(node, context).map { Located(value: $0, position: node.position) }
        }
    }

    /// A mapping whose keys are names, in the order of the file.
    static func map<Element>(key: String, of element: Shape<Element>) -> Shape<[Named<Element>]>
    where Value == [Named<Element>] {
        Shape<[Named<Element>]>(.map(key: key, element.description)) { node, context in
            node.pairs(orReport: context, example: key.uppercased())?.map { pair in
                Named(name: pair.key, position: pair.keyPosition, value: element.read(pair.value, context))
            }
        }
    }

    /// Another reading of the same text.
    func map<Result>(
        text: @escaping @Sendable (Result) -> String = { "\($0)" },
        _ transform: @escaping @Sendable (Value, Position, DecodingContext) -> Result?
    ) -> Shape<Result> {
        let read = self.read
        return Shape<Result>(description, text: text) { node, context in
            read(node, context).flatMap { transform($0, node.position, context) }
        }
    }
}

/// An entry of a mapping by name; no value if it was wrong.
struct Named<Value: Sendable>: Sendable {
    var name: String
    var position: Position
    var value: Value?
}

extension Shape where Value == String {
    /// Any text of 1 to `limit` characters.
    static func text(_ kind: String = "text", limit: Int = 4096, allowsEmpty: Bool = false) -> Shape {
        scalar(ScalarDescription(kind: kind), text: { $0 }) { text, position, context in
            guard allowsEmpty || !text.isEmpty else {
                context.error(position, "the \(kind) is empty", "write one or remove the key")
                return nil
            }
            guard text.utf8.count <= limit else {
                context.error(position, "the \(kind) is longer than \(limit) bytes", "shorten it")
                return nil
            }
            return text
        }
    }
}

extension Shape where Value == Bool {
    static var boolean: Shape {
        scalar(ScalarDescription(kind: "boolean", range: "true, false", type: .boolean)) { text, position, context in
            switch text {
            case "true", "True", "TRUE": return true
            case "false", "False", "FALSE": return false
            default:
                context.error(position, "\"\(text.shortened)\" is neither true nor false", "write true or false")
                return nil
            }
        }
    }
}

extension Shape where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> Shape {
        scalar(
            ScalarDescription(
                kind: "number", range: "\(range.lowerBound) to \(range.upperBound)", type: .integer,
                minimum: range.lowerBound, maximum: range.upperBound)
        ) { text, position, context in
            guard let value = Int(text), !text.hasPrefix("+") else {
                context.error(
                    position, "\"\(text.shortened)\" is not a whole number",
                    "write one of \(range.lowerBound) to \(range.upperBound)")
                return nil
            }
            guard range.contains(value) else {
                context.error(
                    position, "\(value) is out of range", "write \(range.lowerBound) to \(range.upperBound)")
                return nil
            }
            return value
        }
    }

    /// The position of a part that is declared elsewhere.
    static func reference(_ part: Part) -> Shape {
        scalar(ScalarDescription(kind: "name of a \(part.noun)"), text: { _ in "" }) { text, position, context in
            context.resolve(part, text, at: position)
        }
    }

    static func size(_ range: ClosedRange<Int>) -> Shape {
        let words = "\(Units.text(bytes: range.lowerBound)) to \(Units.text(bytes: range.upperBound))"
        return scalar(
            ScalarDescription(kind: "size", range: words, pattern: "^[0-9]+(B|kB|KiB|MB|MiB|GB|GiB)$"),
            text: { Units.text(bytes: $0) }
        ) { text, position, context in
            guard let value = Units.bytes(text) else {
                let advice =
                    Units.isNumber(text)
                    ? "write \(text)B, \(text)KiB or \(text)MiB" : "write a number and B, kB, KiB, MB, MiB, GB or GiB"
                context.error(position, "\"\(text.shortened)\" is not a size with a unit", advice)
                return nil
            }
            guard range.contains(value) else {
                context.error(position, "\(text) is out of range", "write \(words)")
                return nil
            }
            return value
        }
    }
}

extension Shape where Value == Double {
    static func decimal(_ range: ClosedRange<Double>, kind: String = "number") -> Shape {
        let words = "\(range.lowerBound.brief) to \(range.upperBound.brief)"
        return scalar(
            ScalarDescription(
                kind: kind, range: words, type: .number, minimum: Int(range.lowerBound), maximum: Int(range.upperBound))
        ) { text, position, context in
            guard text.utf8.allSatisfy({ "0123456789.-".utf8.contains($0) }), let value = Double(text) else {
                context.error(position, "\"\(text.shortened)\" is not a number", "write one from \(words)")
                return nil
            }
            guard range.contains(value) else {
                context.error(position, "\(text) is out of range", "write \(words)")
                return nil
            }
            return value
        }
    }

    /// A part of a whole, in per cent.
    /// `-20%`.
    static func signedShare(_ range: ClosedRange<Int>) -> Shape {
        scalar(
            ScalarDescription(
                kind: "share", range: "\(range.lowerBound)% to \(range.upperBound)%", pattern: "^-?[0-9]+%$"),
            text: { "\(Int(($0 * 100).rounded()))%" }
        ) { text, position, context in
            guard text.hasSuffix("%"), let value = Int(text.dropLast()), !text.hasPrefix("+"), range.contains(value)
            else {
                context.error(
                    position, "\"\(text.shortened)\" is not a share",
                    "write \(range.lowerBound)% to \(range.upperBound)%")
                return nil
            }
            return Double(value) / 100
        }
    }

    static func share(_ range: ClosedRange<Int>) -> Shape {
        scalar(
            ScalarDescription(
                kind: "share", range: "\(range.lowerBound)% to \(range.upperBound)%", pattern: "^[0-9]+%$"),
            text: { "\(Int(($0 * 100).rounded()))%" }
        ) { text, position, context in
            guard text.hasSuffix("%"), Units.isNumber(String(text.dropLast())), let value = Int(text.dropLast()) else {
                context.error(position, "\"\(text.shortened)\" is not a share in per cent", "write 10% or the like")
                return nil
            }
            guard range.contains(value) else {
                context.error(
                    position, "\(text) is out of range", "write \(range.lowerBound)% to \(range.upperBound)%")
                return nil
            }
            return Double(value) / 100
        }
    }
}

extension Double {
    /// Without a fraction where there is none.
    var brief: String { self == rounded() ? "\(Int(self))" : "\(self)" }
}

extension Shape where Value == Duration {
    static func duration(_ range: ClosedRange<Int64>) -> Shape {
        let words = "\(Units.text(milliseconds: range.lowerBound)) to \(Units.text(milliseconds: range.upperBound))"
        return scalar(
            ScalarDescription(kind: "duration", range: words, pattern: "^([0-9]+(ms|s|m|h|d))+$"),
            text: { Units.text(milliseconds: $0.milliseconds) }
        ) { text, position, context in
            guard let value = Units.milliseconds(text) else {
                let advice =
                    Units.isNumber(text)
                    ? "write \(text)s or \(text)ms" : "write a number and ms, s, m, h or d, as in 30s"
                context.error(position, "\"\(text.shortened)\" is not a duration with a unit", advice)
                return nil
            }
            guard range.contains(value) else {
                context.error(position, "\(text) is out of range", "write \(words)")
                return nil
            }
            return .milliseconds(value)
        }
    }
}

extension Shape where Value == UInt32 {
    /// Whole seconds up to RFC 2181's limit.
    static func ttl(_ range: ClosedRange<Int64> = 0...604_800_000) -> Shape {
        Shape<Duration>.duration(range).map(text: { Units.text(milliseconds: Int64($0) * 1000) }) {
            value, position, context in
            guard value.milliseconds % 1000 == 0 else {
                context.error(position, "a TTL has whole seconds", "write 1s or more")
                return nil
            }
            return UInt32(value.milliseconds / 1000)
        }
    }
}
