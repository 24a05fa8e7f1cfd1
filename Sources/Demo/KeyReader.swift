/// Turns the bytes that a terminal sends into keys, also when an escape sequence comes in two reads.
package struct KeyReader: Sendable {
    package enum Key: Hashable, Sendable {
        case character(Character)
        case up, down, left, right
        case enter
        case tab
        case backspace
        /// Escape itself, with nothing after it.
        case escape
        /// Ctrl-C, or Ctrl-D: raw mode leaves their meaning to us.
        case interrupt
    }

    private var pending: [UInt8] = []

    package init() {}

    /// - Parameter bytes: What was read; empty when nothing came for a while, which settles a lone escape.
    package mutating func keys(_ bytes: some Sequence<UInt8>) -> [Key] {
        let wasWaiting = !pending.isEmpty
        let before = pending.count
        pending += bytes
        let isSilence = wasWaiting && pending.count == before
        var keys: [Key] = []
        var rest = pending[...]
        while let byte = rest.first {
            switch byte {
            case 0x1B:
                guard let sequence = escapeSequence(rest) else {
                    guard isSilence else {
                        pending = Array(rest)
                        return keys
                    }
                    keys.append(.escape)
                    rest = rest.dropFirst()
                    continue
                }
                if let key = sequence.key { keys.append(key) }
                rest = rest.dropFirst(sequence.length)
            case 3, 4:
                keys.append(.interrupt)
                rest = rest.dropFirst()
            case 9:
                keys.append(.tab)
                rest = rest.dropFirst()
            case 10, 13:
                keys.append(.enter)
                rest = rest.dropFirst()
            case 8, 127:
                keys.append(.backspace)
                rest = rest.dropFirst()
            case 32..<127:
                keys.append(.character(Character(Unicode.Scalar(byte))))
                rest = rest.dropFirst()
            default:
                rest = rest.dropFirst()
            }
        }
        pending = []
        return keys
    }

    /// `ESC [ … final` or `ESC O final`; `nil` while it is not whole. An escape before any other byte stands alone.
    private func escapeSequence(_ bytes: ArraySlice<UInt8>) -> (key: Key?, length: Int)? {
        guard bytes.count >= 2 else { return nil }
        let second = bytes[bytes.startIndex + 1]
        guard second == UInt8(ascii: "[") || second == UInt8(ascii: "O") else { return (.escape, 1) }
        guard let final = bytes.dropFirst(2).firstIndex(where: { (0x40...0x7E).contains($0) }) else { return nil }
        let length = final - bytes.startIndex + 1
        let key: Key? =
            switch bytes[final] {
            case UInt8(ascii: "A"): .up
            case UInt8(ascii: "B"): .down
            case UInt8(ascii: "C"): .right
            case UInt8(ascii: "D"): .left
            default: nil
            }
        return (key, length)
    }
}
