import Glibc

/// How many descriptors this process may have open.
package enum DescriptorLimit {
    /// Takes all that the system allows: what shells give at first, often 1024, is for programs that serve few.
    package static func raise() {
        guard var limit = read(), limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        // If it is refused the limit stays, and ``current`` says so.
        _ = unsafe setrlimit(resource, &limit)
    }

    /// `nil`: unknown.
    package static var current: UInt64? { read().map { UInt64($0.rlim_cur) } }

    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

    private static func read() -> rlimit? {
        var limit = rlimit()
        return unsafe getrlimit(resource, &limit) == 0 ? limit : nil
    }
}
