internal import Glibc

/// Why a file could not be read.
struct FileProblem: Error {
    var wrong: String
    var advice: String
}

/// Small files, read whole.
enum TextFile {
    /// Reads at most `limit` bytes; a longer file, a folder or a pipe is refused.
    static func read(_ path: String, limit: Int) throws(FileProblem) -> [UInt8] {
        try readStamped(path, limit: limit).bytes
    }

    /// As ``read(_:limit:)``, with the state that the file was in.
    /// - Parameter folder: the file must lie in it or below, whatever links lead to it.
    static func readStamped(
        _ path: String, limit: Int, inside folder: String? = nil
    ) throws(FileProblem) -> (bytes: [UInt8], stamp: FileStamp) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            let reason = unsafe String(cString: strerror(code))
            let advice =
                switch code {
                case ENOENT: "create it or correct the path"
                case EACCES: "let the user that runs this program read it"
                default: "correct the path"
                }
            throw FileProblem(wrong: "cannot open \"\(path)\": \(reason)", advice: advice)
        }
        defer { close(descriptor) }
        if let folder, !isInside(folder, descriptor: descriptor) {
            throw FileProblem(
                wrong: "\"\(path)\" is not inside the folder \"\(folder)\"", advice: "move it there, or name one there")
        }
        let before = try status(of: descriptor, path: path, limit: limit)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(before.st_size) + 1)
        while bytes.count <= limit {
            let wanted = max(1, min(Int(before.st_size) + 1 - bytes.count, 1 << 20))
            let chunk = unsafe [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
                // Writes at most the buffer's size.
                count = unsafe max(0, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
            }
            if chunk.isEmpty {
                let stamp = FileStamp(path: path, before)
                guard FileStamp(path: path, try status(of: descriptor, path: path, limit: limit)) == stamp else {
                    break
                }
                return (bytes, stamp)
            }
            bytes += chunk
        }
        throw FileProblem(wrong: "\"\(path)\" changed while it was read", advice: "try again")
    }

    private static func status(of descriptor: Int32, path: String, limit: Int) throws(FileProblem) -> stat {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw FileProblem(wrong: "\"\(path)\" is not a regular file", advice: "name a file")
        }
        guard status.st_size <= limit else {
            throw FileProblem(
                wrong: "\"\(path)\" has \(status.st_size) bytes, more than the \(limit) that are read",
                advice: "split it")
        }
        return status
    }

    /// Asks where the open file really is: a path could lead elsewhere by the time it is opened.
    private static func isInside(_ folder: String, descriptor: Int32) -> Bool {
        guard let root = realPath(folder), let file = realPath("/proc/self/fd/\(descriptor)") else { return false }
        return file.hasPrefix(root == "/" ? root : root + "/")
    }

    /// Without links and dots.
    private static func realPath(_ path: String) -> String? {
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// The folder that a file is in.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// `path` as seen from the folder of `file`; absolute paths and empty ones stay.
    static func resolve(_ path: String, besides file: String) -> String {
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }
}
