import HTTP2Wire
import NIOCore

/// A connection that speaks HTTP/2, a client's or a member's: how what is read becomes what happens on its streams.
protocol FrameReceiver: AnyObject {
    var session: HTTP2Session { get }
    /// What came of a frame that is not whole.
    var pending: ByteBuffer { get set }
    /// Nothing more is read.
    var isOver: Bool { get }

    /// DATA came on a stream.
    ///
    /// - Parameter padding: bytes of the frame that count for its windows and say nothing.
    func take(_ data: ByteBuffer, padding: Int, isEnd: Bool, on place: Int)

    /// Anything else happened.
    func take(_ event: HTTP2Session.Event)
}

extension FrameReceiver {
    /// Takes what was read, behind what is pending.
    ///
    /// - Parameter now: monotonic nanoseconds.
    func takeFrames(_ bytes: ByteBuffer, now: UInt64) {
        var input = bytes
        if pending.readableBytes > 0 {
            pending.writeImmutableBuffer(bytes)
            input = pending
            pending = ByteBuffer()
        }
        session.now = now
        var offset = 0
        while !isOver {
            let event = session.next(input.readableBytesUInt8Span, offset: &offset)
            if event == .incomplete { break }
            if case .data(let place, let range, let count, let isEnd) = event {
                let data = input.getSlice(at: input.readerIndex + range.lowerBound, length: range.count)
                take(data ?? ByteBuffer(), padding: count - range.count, isEnd: isEnd, on: place)
            } else {
                take(event)
            }
        }
        guard !isOver, offset < input.readableBytes else { return }
        input.moveReaderIndex(forwardBy: offset)
        // Not to hold what the channel wants to read into next.
        pending = ByteBuffer(bytes: input.readableBytesView)
    }
}
