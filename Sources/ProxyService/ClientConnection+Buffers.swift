import CLinux
import NIOCore
import Sockets

/// What waits in buffers, and whether the client takes it.
extension ClientConnection {
    /// Bytes that wait for one side or the other.
    var bufferedBytes: Int {
        // There are many of them.
        if phase == .idle { return inbox.readableBytes + (channel?.unsentBytes ?? 0) }
        return requestBytes.readableBytes + inbox.readableBytes + responseInbox.readableBytes + outbox.readableBytes
            + note.bytes.readableBytes
            + (stream?.pending ?? channel?.unsentBytes ?? 0) + (upstream?.unsentBytes ?? 0)
            + (http2?.bufferedBytes ?? 0)
    }

    /// The client does not take what it is sent: notes how far it has come.
    func awaitTaking() {
        if acknowledged == nil { acknowledged = progress?.acknowledged ?? 0 }
        // Nor is the member listened to.
        exchange.headDeadline = 0
        setDeadline(worker.settings.bodyTimeout)
    }

    /// Whether the client has taken as much as it must since it was last asked about.
    func takesEnough() -> Bool {
        guard let progress else { return false }
        defer { acknowledged = progress.acknowledged }
        guard let acknowledged else { return true }
        return progress.acknowledged &- acknowledged >= worker.settings.readBytes
    }

    /// Whether anything that was written has not reached the client.
    var hasUnsentBytes: Bool {
        if let stream { return !stream.isOutputSent }
        guard let channel else { return false }
        return channel.unsentBytes > 0 || progress?.outstanding ?? 0 > 0
    }

    /// Bytes that were written and have not reached the client; `nil` when the connection is gone.
    var outstandingBytes: Int? { progress.map { Int(clamping: $0.outstanding) + (channel?.unsentBytes ?? 0) } }

    /// What the client's kernel has acknowledged, and what it has not; `nil` when the connection is gone.
    private var progress: (acknowledged: UInt64, outstanding: UInt64)? {
        if let stream { return (stream.sent, UInt64(stream.pending)) }
        guard let channel, channel.isOpen else { return nil }
        var acknowledged: UInt64 = 0
        var outstanding: UInt64 = 0
        // The pointers are good for the call.
        guard unsafe clinux_tcp_progress(channel.descriptor, &acknowledged, &outstanding) == 0 else { return nil }
        return (acknowledged, outstanding)
    }
}
