import Glibc

/// What went wrong between an operator and a node, as one line.
package struct AdminError: Error, CustomStringConvertible {
    package let text: String
    /// The answer, where the node gave another than was asked for.
    package let response: AdminClient.Response?
    package var description: String { text }

    package init(_ text: String) { self.init(text: text) }

    init(text: String, response: AdminClient.Response? = nil) {
        self.text = text
        self.response = response
    }

    /// An error number of the system in words.
    static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
