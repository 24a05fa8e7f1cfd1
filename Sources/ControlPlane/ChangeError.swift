package import StateStore

/// Why a change that an operator asked for was not made.
package enum ChangeError: Error, Sendable {
    /// The configuration or the node's state has no such thing.
    case unknown(String)
    /// It makes no sense in itself.
    case invalid(String)
    /// It may not be made, for these reasons; some can be overridden by force.
    case refused([String])
    /// What it is about was changed since it was looked at: `overrides`, `windows` or `shifts`.
    case stale(String)
    /// Who asks for it may not any more.
    case notPermitted
    /// Too many changes wait.
    case busy
    /// It could not be made to last.
    case notStored(StateStoreError)
}
