import Addresses
import Steering

@testable import Authority

/// Asks a responder that forgets what it was asked before.
final class Asker {
    private var responder = Responder(counters: WorkerCounters())

    func ask(
        _ query: [UInt8], from source: IPAddress = .v4(0x0a01_0203), overTCP: Bool = true, room: Int = 65_535,
        _ snapshot: AuthoritySnapshot
    ) -> [UInt8] {
        responder.sequence = 0
        // Of their exact size and on the heap, so that AddressSanitizer sees what goes past their ends.
        let message = UnsafeMutableRawBufferPointer.allocate(byteCount: query.count, alignment: 1)
        let output = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 1)
        defer {
            unsafe message.deallocate()
            unsafe output.deallocate()
        }
        unsafe message.copyBytes(from: query)
        let count = unsafe responder.respond(
            to: UnsafeRawBufferPointer(message).bytes, from: source, port: 4242, overTCP: overTCP, snapshot: snapshot,
            into: output)
        return unsafe Array(output[..<count])
    }
}
