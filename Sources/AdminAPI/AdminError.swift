import Glibc
import NIOCore

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

    /// Of an address that could not be had.
    ///
    /// - Parameter key: of the configuration, which names the address.
    init(listening key: String, on address: String, _ error: IOError) {
        let advice =
            switch error.errnoCode {
            case EADDRINUSE: "another process has this port; end it or name another"
            case EACCES where key == "admin.socket": "this user may not write to its folder"
            case EACCES: "ports below 1024 need root or CAP_NET_BIND_SERVICE"
            case EADDRNOTAVAIL: "this machine has no such address"
            case ENOENT: "make its folder first"
            default: "check the address"
            }
        self.init("\(key): cannot listen on \(address): \(Self.reason(error.errnoCode)); \(advice)")
    }

    /// An error number of the system in words.
    static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
