import NIOCore

/// Memory that requests of one loop write into, one after the other: idle connections hold none, and busy ones need not
/// ask for it.
struct SpareBuffers {
    /// More than this many wait for work only after a peak.
    private static let most = 128
    /// A larger one was made for an uncommon request.
    private static let largest = 16 << 10

    private var buffers: [ByteBuffer] = []

    init() { buffers.reserveCapacity(Self.most) }

    /// Gives `buffer` memory, unless it has some.
    mutating func lend(to buffer: inout ByteBuffer) {
        if buffer.storageCapacity == 0, let spare = buffers.popLast() { buffer = spare }
    }

    /// Takes the memory of `buffer`, whose bytes are done with.
    mutating func takeBack(_ buffer: inout ByteBuffer) {
        guard buffer.storageCapacity > 0 else { return }
        var spare = ByteBuffer()
        swap(&spare, &buffer)
        guard spare.storageCapacity <= Self.largest, buffers.count < Self.most else { return }
        spare.clear()
        buffers.append(spare)
    }
}
