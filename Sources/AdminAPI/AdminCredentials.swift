import Glibc

/// With what somebody reaches a node over the network. A socket needs none of it.
package struct AdminCredentials: Sendable {
    /// A secret: shown to nodes only.
    let token: String?
    /// PEM files; `nil`: the authorities that this machine trusts.
    let authorityPath: String?
    let certificatePath: String?
    let keyPath: String?

    package static let none = AdminCredentials(token: nil)

    package init(
        token: String?, authorityPath: String? = nil, certificatePath: String? = nil, keyPath: String? = nil
    ) {
        self.token = token
        self.authorityPath = authorityPath
        self.certificatePath = certificatePath
        self.keyPath = keyPath
    }
}

/// A token in a file: its first line.
package struct TokenFile {
    package let token: String
    /// Whether the file's mode lets others than its owner read it.
    package let isReadableByOthers: Bool

    /// - Throws: `AdminError` that names the file and nothing of what is in it.
    package init(path: String) throws(AdminError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw AdminError("\(path): \(AdminError.reason(errno))") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw AdminError("\(path): \(AdminError.reason(errno))") }
        isReadableByOthers = status.st_mode & S_IFMT == S_IFREG && status.st_mode & 0o077 != 0
        // A token and its line's end are far shorter; a pipe may give them in pieces.
        var bytes = [UInt8](repeating: 0, count: 4096)
        var count = 0
        while count < bytes.count {
            let room = bytes.count - count
            let got = unsafe bytes[count...].withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, room) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw AdminError("\(path): \(AdminError.reason(errno))") }
            guard got > 0 else { break }
            count += got
        }
        let line = bytes[..<count].prefix { $0 != 10 && $0 != 13 }
        // What the field Authorization may carry (RFC 6750 section 2.1).
        guard !line.isEmpty, line.count <= AdminToken.sizeLimit, line.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw AdminError("\(path): its first line is no token, as `meridian token` prints one")
        }
        token = String(decoding: line, as: UTF8.self)
    }
}
