import Glibc

/// What went wrong between an operator and a node, as one line.
package struct AdminError: Error, CustomStringConvertible {
    package let text: String
    package var description: String { text }

    package init(_ text: String) { self.text = text }

    init(text: String) { self.text = text }

    /// An error number of the system in words.
    static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
