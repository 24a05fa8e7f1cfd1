package import NIOCore

extension ByteBuffer {
    /// Reserves `capacity` bytes and appends what `body` writes; nothing when that was more than `capacity`.
    ///
    /// - Returns: whether it fitted.
    @inline(__always)
    package mutating func appendHead(capacity: Int, _ body: (inout HeadWriter) -> Void) -> Bool {
        var fitted = false
        unsafe writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { room in
            var writer = unsafe HeadWriter(room)
            body(&writer)
            fitted = !writer.isOverfull
            return fitted ? writer.count : 0
        }
        return fitted
    }
}
