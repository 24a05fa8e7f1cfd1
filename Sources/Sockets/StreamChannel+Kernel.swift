import CLinux
import Glibc

/// What the kernel knows of a connection, and does with it.
extension StreamChannel {
    /// Bytes that the peer's kernel has acknowledged since the connection began; `nil` when it is over.
    package var acknowledgedBytes: UInt64? {
        guard isOpen else { return nil }
        var acknowledged: UInt64 = 0
        var outstanding: UInt64 = 0
        // The pointers are good for the call.
        guard unsafe clinux_tcp_progress(descriptor, &acknowledged, &outstanding) == 0 else { return nil }
        return acknowledged
    }

    /// Closes with a reset: the peer sees that something went wrong, and not the end of all bytes.
    package func reset() {
        guard isOpen else { return }
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        end(nil)
    }
}
