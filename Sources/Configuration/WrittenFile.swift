internal import Glibc

/// What a path leads to where something will be written, whether it is there yet or not: the same for all paths of one
/// regular file.
enum WrittenFile: Hashable {
    case existing(device: UInt64, inode: UInt64)
    /// One that would be made in this folder.
    case missing(device: UInt64, inode: UInt64, name: String)

    /// As many as the kernel follows.
    private static let linkLimit = 40

    /// `nil`: it leads to what is no regular file, such as a pipe, or nowhere.
    init?(at path: String) {
        var path = path
        for _ in 0..<Self.linkLimit {
            var status = stat()
            if unsafe stat(path, &status) == 0 {
                guard status.st_mode & S_IFMT == S_IFREG else { return nil }
                self = .existing(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
                return
            }
            let folder = TextFile.folder(of: path)
            // A link to what is not there yet: that is what will be made.
            if let target = Self.target(ofLink: path) {
                path = target.hasPrefix("/") ? target : "\(folder)/\(target)"
                continue
            }
            guard unsafe stat(folder, &status) == 0, let name = path.split(separator: "/").last else { return nil }
            self = .missing(device: UInt64(status.st_dev), inode: UInt64(status.st_ino), name: String(name))
            return
        }
        return nil
    }

    private static func target(ofLink path: String) -> String? {
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
            guard let start = buffer.baseAddress else { return }
            // Writes at most the buffer's size.
            count = unsafe max(0, readlink(path, start, buffer.count))
        }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}
