/// What a process may have open, and how much of that is for clients.
package struct DescriptorShare: Sendable {
    /// Client connections at once.
    package let connections: Int

    /// Half is for clients. The other half is for members' connections, one for each client that is served, and for all
    /// else: listeners, probes, name servers, logs, the state file, and those through which operators find out what is
    /// wrong.
    ///
    /// - Parameter descriptors: that the process may have open; `nil`: unknown.
    package init(descriptors: UInt64?) {
        guard let descriptors, descriptors < UInt64(Int.max) else {
            connections = .max
            return
        }
        let all = Int(descriptors)
        connections = max(min(all / 2, all - Self.leastReserve), 1)
    }

    private static let leastReserve = 64
}
