import Glibc

/// The content of a file, in memory of its own.
///
/// Read and not mapped from the file: a mapped file that another program cuts short kills the process with SIGBUS. The
/// memory is mapped and not allocated, so that all of it goes back to the system when the file is translated.
@safe
struct FileBytes: ~Copyable {
    private let base: UnsafeMutableRawPointer?
    private let capacity: Int
    private let count: Int

    /// No source is near this: the largest commercial databases are below 2 GB.
    static let sizeLimit = 1 << 32

    init(path: String) throws(GeographyFault) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.fault("cannot be opened") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw Self.fault("cannot be examined") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw GeographyFault(position: .file, reason: "is not a regular file", advice: "name the file itself")
        }
        let size = Int(status.st_size)
        guard size <= Self.sizeLimit else {
            throw GeographyFault(
                position: .file, reason: "has \(size) bytes, more than 4 GiB", advice: "name a smaller database")
        }
        guard size > 0 else {
            unsafe base = nil
            capacity = 0
            count = 0
            return
        }
        let memory = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            throw Self.fault("does not fit in memory")
        }
        var filled = 0
        var failed = false
        while filled < size {
            // `filled` is below `size`, so the rest of the mapping has room for what is asked.
            let got = unsafe read(descriptor, memory + filled, size - filled)
            if got < 0 && errno == EINTR { continue }
            failed = got < 0
            guard got > 0 else { break }
            filled += got
        }
        guard !failed else {
            let fault = Self.fault("cannot be read")
            unsafe munmap(memory, size)
            throw fault
        }
        unsafe base = memory
        capacity = size
        count = filled
    }

    deinit {
        if let base = unsafe base { unsafe munmap(base, capacity) }
    }

    var span: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            // The mapping holds `count` initialised bytes and lives as long as `self`.
            let buffer = unsafe UnsafeRawBufferPointer(start: base, count: count)
            let span = unsafe Span<UInt8>(_unsafeBytes: buffer)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    private static func fault(_ what: String) -> GeographyFault {
        let reason = unsafe String(cString: strerror(errno))
        return GeographyFault(
            position: .file, reason: "\(what) (\(reason))", advice: "check the path and its permissions")
    }
}
