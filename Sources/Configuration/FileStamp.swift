internal import Glibc

/// What tells one state of a file from another without reading it.
struct FileStamp: Hashable, Sendable {
    let path: String
    private let device: UInt64
    private let inode: UInt64
    private let size: Int64
    /// Seconds and nanoseconds.
    private let modified: [Int]
    /// When anything about it changed last: a file that was put back to an old time is another one.
    private let changed: [Int]
    /// Whether any user of the machine may read it.
    let isOpenToAll: Bool

    init(path: String, _ status: stat) {
        self.path = path
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
        isOpenToAll = status.st_mode & S_IROTH != 0
        changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
    }

    /// When it was written, in seconds since 1970.
    var modifiedSecond: Int { modified[0] }

    /// The same for all paths of one file.
    var identity: String { "\(device):\(inode)" }

    /// Whether the file is still as it was.
    var isCurrent: Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && FileStamp(path: path, status) == self
    }
}
