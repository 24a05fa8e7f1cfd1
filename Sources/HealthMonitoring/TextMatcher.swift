/// Finds a text in a stream of bytes (Knuth, Morris and Pratt), across whatever borders the stream has.
struct TextMatcher: Sendable {
    private let text: [UInt8]
    /// The length of the longest proper prefix that is also a suffix, for each prefix of the text.
    private let fallback: [Int]
    private var matched = 0

    init(_ text: [UInt8]) {
        self.text = text
        var fallback = Array(repeating: 0, count: text.count)
        var length = 0
        for index in text.indices.dropFirst() {
            while length > 0, text[index] != text[length] { length = fallback[length - 1] }
            if text[index] == text[length] { length += 1 }
            fallback[index] = length
        }
        self.fallback = fallback
    }

    /// Goes on with the next bytes; whether the text has occurred.
    mutating func find(in bytes: some Sequence<UInt8>) -> Bool {
        for byte in bytes where matched < text.count {
            while matched > 0, byte != text[matched] { matched = fallback[matched - 1] }
            if byte == text[matched] { matched += 1 }
        }
        return matched == text.count
    }
}
