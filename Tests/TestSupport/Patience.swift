/// How long tests wait for what other threads do: counted in looks, not in seconds. Where the machine is busy with
/// other tests, those who are waited for have little of it, and those who wait look seldom.
package enum Patience {
    /// Twenty seconds of a machine that has nothing else to do.
    private static let looks = 10_000

    /// Looks every two milliseconds until the condition holds; `false` when it never did.
    @discardableResult
    package static func lasts(until condition: () async throws -> Bool) async rethrows -> Bool {
        for _ in 0..<looks {
            if try await condition() { return true }
            // Cancelled means that the test's time is up.
            guard (try? await Task.sleep(for: .milliseconds(2))) != nil else { return false }
        }
        return try await condition()
    }
}
