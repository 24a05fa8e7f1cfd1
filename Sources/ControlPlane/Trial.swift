import Synchronization

/// While it is the task's current one, changes are checked and looked at as always, and not made.
///
/// It goes with the task, not through the functions: all that happens for one request is either a trial or real. Those
/// who set it see to it that the request is one of the changes that heed it.
package final class Trial: Sendable {
    @TaskLocal package static var current: Trial?

    private let found = Mutex<ChangePreview?>(nil)

    package init() {}

    /// What the change would have done; `nil`: there was none that heeds trials.
    package var preview: ChangePreview? { found.withLock { $0 } }

    func record(_ preview: ChangePreview) { found.withLock { $0 = preview } }
}
