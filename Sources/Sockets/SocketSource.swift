/// Something with a descriptor that a loop watches.
package class SocketSource {
    /// -1 once it is closed.
    package fileprivate(set) var descriptor: Int32
    /// Its place in the loop's table; -1: it is not watched.
    var slot = -1

    init(descriptor: Int32) { self.descriptor = descriptor }

    func forgetDescriptor() { descriptor = -1 }

    /// Something happened: a mask of epoll's.
    func ready(_ mask: UInt32) {}

    /// Goes on where it left off when its turn was over.
    func proceed() {}

    /// The loop ends.
    func shutdown() {}
}
