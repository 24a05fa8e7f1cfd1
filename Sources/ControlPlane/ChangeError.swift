package import StateStore

/// Why a change that an operator asked for was not made.
package enum ChangeError: Error, Sendable {
    /// The configuration or the node's state has no such thing.
    ///
    /// - Parameter field: of the request, that names it.
    case unknown(String, field: String? = nil)
    /// It makes no sense in itself.
    case invalid(String, field: String? = nil)
    /// It may not be made, for these reasons; some can be overridden by force.
    case refused([String])
    /// What it is about was changed since it was looked at: `overrides`, `windows` or `shifts`.
    case stale(String)
    /// Who asks for it may not any more.
    case notPermitted
    /// Too many changes wait.
    case busy
    /// Who asked for it went away before its turn came.
    case abandoned
    /// It could not be made to last.
    case notStored(StateStoreError)

    /// The field of the request that is wrong, as the admin API names it; `nil`: none in particular.
    package var field: String? {
        switch self {
        case .unknown(_, let field), .invalid(_, let field): field
        case .refused, .stale, .notPermitted, .busy, .abandoned, .notStored: nil
        }
    }
}
