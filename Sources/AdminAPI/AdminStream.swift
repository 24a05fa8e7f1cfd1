import NIOCore

/// An answer that goes on, read line by line. Blocking, as ``AdminClient`` is.
package struct AdminStream {
    private var answer: AdminAnswer
    private var received: [UInt8] = []

    /// A line of an event is far shorter; one that is longer is not of our node.
    private static let lineLimit = 1 << 20
    /// A comment comes every 15 seconds. What is silent for longer is gone, whatever its connection says.
    private static let silenceLimit = TimeAmount.seconds(50)

    /// Bytes. What is said of a refusal is far shorter.
    private static let refusalLimit = 1 << 16

    /// - Throws: `AdminError` where there is no stream, with what the node answered in its place.
    init(_ answer: AdminAnswer) throws(AdminError) {
        guard answer.status != 200 else {
            self.answer = answer
            return
        }
        var answer = answer
        var body: [UInt8] = []
        while body.count < Self.refusalLimit, let piece = try answer.next(within: Self.silenceLimit) { body += piece }
        throw AdminError(
            text: "the node answered with status \(answer.status)",
            response: AdminClient.Response(status: answer.status, body: body, retryAfter: answer.retryAfter))
    }

    /// The next line, without its end; `nil`: the stream ended.
    package mutating func nextLine() throws(AdminError) -> [UInt8]? {
        var searched = 0
        while true {
            if let end = received[searched...].firstIndex(of: 10) {
                let line = received[..<end]
                let whole = Array(line.last == 13 ? line.dropLast() : line)
                received.removeFirst(end + 1)
                return whole
            }
            searched = received.count
            guard searched <= Self.lineLimit else { throw AdminError("a line of the stream has no end") }
            guard let more = try answer.next(within: Self.silenceLimit) else { return nil }
            received += more
        }
    }
}
