import Glibc

/// Which file a path leads to; equal for two paths, or one path at two times, that lead to the same.
struct FileIdentity: Equatable {
    private let device: dev_t
    private let number: ino_t

    /// `nil`: to none.
    init?(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        device = status.st_dev
        number = status.st_ino
    }
}
