package import NIOCore

/// Who wants to know that a loop has handed out all that has happened in a turn.
package protocol TurnDelegate: AnyObject {
    func turnEnded()
}

/// Who a channel without a pipeline serves. All calls come on the channel's loop.
package protocol SocketDelegate: AnyObject {
    /// The connection that was asked for stands.
    func socketConnected()

    func socketRead(_ bytes: ByteBuffer)

    /// All that had arrived was handed over.
    func socketReadComplete()

    /// Whether more is wanted. If not, ``StreamChannel/resumeReading()`` says when it is.
    var mayReadSocket: Bool { get }

    /// ``StreamChannel/isWritable`` has changed.
    func socketWritabilityChanged()

    /// The peer sends nothing more; it may still read.
    func socketInputClosed()

    /// Nothing more comes or goes. The last call.
    ///
    /// - Parameter error: an `IOError` or a `ChannelError`; `nil`: it was closed from this side, or orderly.
    func socketClosed(_ error: (any Error)?)
}
