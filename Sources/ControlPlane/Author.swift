/// Who asks for a change, and from where: for the audit trail.
package struct Author: Sendable, Hashable {
    package let name: String
    package let origin: String

    package init(name: String, origin: String) {
        self.name = name
        self.origin = origin
    }

    /// A signal, whose sender nobody knows.
    package static let signal = Author(name: "", origin: "signal")
    /// What ends because its time has come.
    static let clock = Author(name: "", origin: "clock")
}
