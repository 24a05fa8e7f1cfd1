import Glibc

/// What the kernel refused.
package struct SocketError: Error, Hashable, CustomStringConvertible {
    /// `errno`.
    package let code: Int32

    package init(_ code: Int32) { self.code = code }

    package var description: String { unsafe String(cString: strerror(code)) }
}
