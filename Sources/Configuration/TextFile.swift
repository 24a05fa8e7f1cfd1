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
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw FileProblem(wrong: "\"\(path)\" is not a regular file", advice: "name a file")
        }
        guard status.st_size <= limit else {
            throw FileProblem(
                wrong: "\"\(path)\" has \(status.st_size) bytes, more than the \(limit) that are read",
                advice: "split it")
        }
        var bytes: [UInt8] = []
        while bytes.count <= limit {
            let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                // Writes at most the buffer's size.
                count = unsafe max(0, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
            }
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
        throw FileProblem(wrong: "\"\(path)\" grew while it was read", advice: "try again")
    }

    /// `path` as seen from the folder of `file`; absolute paths and empty ones stay.
    static func resolve(_ path: String, besides file: String) -> String {
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }
}
