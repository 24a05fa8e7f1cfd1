import Glibc

/// The file that a sink's thread appends lines to, and nobody else.
///
/// A file of a limited size is set aside without a moment at which lines have nowhere to go: the next one is opened first
/// under another name, and those that were set aside before move only when it is in its place. What fails is counted and
/// tried again after a while; meanwhile lines go on to the file that is open.
struct LineFile: ~Copyable {
    /// What became of lines that were to be written.
    struct Outcome: Sendable, Equatable {
        /// Lines that are not in the file, or not whole.
        var lost = 0
        /// Writes that failed, and files that could not be opened or renamed.
        var failures = 0
    }

    /// Nanoseconds before something that failed is tried again.
    static let patience: UInt64 = 1_000_000_000
    /// Milliseconds that a line which is partly written may keep other logs from the stream while its reader rests.
    private static let turnLimit: Int32 = 200
    /// Milliseconds after which one that waits for a reader looks whether it still shall.
    private static let glance: Int32 = 20
    /// Bytes that a pipe takes whole or not at all.
    private static let atomicSize = Int(PIPE_BUF)

    private let path: String
    private let rotation: LineSink.Rotation?
    private let turn: StreamTurn
    private let isStandardOutput: Bool
    private var open: Open
    /// The last write ended within a line.
    private var isCut = false
    /// The file at the path shall be opened, and could not be.
    private var wantsOpening = false
    /// Monotonic nanoseconds before which nothing is opened or renamed, because it failed.
    private var retryAt: UInt64 = 0
    private var outcome = Outcome()

    private struct Open {
        let descriptor: Int32
        var size: Int
        /// A pipe, a socket or a terminal: somebody reads it, or does not. Other devices take all at once.
        let isStream: Bool
        let isRegular: Bool
        let device: dev_t
        let node: ino_t

        init(_ descriptor: Int32) {
            self.descriptor = descriptor
            var status = stat()
            let isKnown = unsafe fstat(descriptor, &status) == 0
            size = isKnown ? Int(status.st_size) : 0
            let kind = status.st_mode & S_IFMT
            isRegular = isKnown && kind == S_IFREG
            isStream = isKnown && (kind == S_IFIFO || kind == S_IFSOCK || isatty(descriptor) == 1)
            (device, node) = (status.st_dev, status.st_ino)
        }

        /// `nil`: see `errno`. Without waiting for a reader of a named pipe.
        init?(_ path: String, _ flags: Int32 = 0) {
            let mode = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | flags
            let descriptor = unsafe Glibc.open(path, mode, 0o640)
            guard descriptor >= 0 else { return nil }
            self.init(descriptor)
        }

        /// Whether the path leads to this file.
        func isAt(_ path: String) -> Bool {
            var status = stat()
            return unsafe stat(path, &status) == 0 && status.st_dev == device && status.st_ino == node
        }
    }

    /// - Parameters:
    ///   - path: a file to append to, or `-` for standard output.
    ///   - rotation: of a regular file; others have none.
    init(path: String, rotation: LineSink.Rotation? = nil) throws(LineSink.OpenError) {
        self.path = path
        isStandardOutput = path == "-"
        if isStandardOutput {
            open = Open(STDOUT_FILENO)
            turn = .output
            self.rotation = nil
        } else {
            guard let file = Open(path) else { throw .cannotOpen(path: path, errno: errno) }
            open = file
            turn = StreamTurn()
            self.rotation = file.isRegular ? rotation : nil
        }
    }

    deinit { if !isStandardOutput { _ = close(open.descriptor) } }

    /// Opens the file at the path, which another may be by now. Goes on with the old one where that cannot be had.
    ///
    /// - Parameter now: monotonic nanoseconds.
    mutating func openAgain(now: UInt64) -> Outcome {
        outcome = Outcome()
        reopen(now)
        return outcome
    }

    /// Writes whole lines.
    ///
    /// - Parameters:
    ///   - now: monotonic nanoseconds.
    ///   - waits: whether to go on waiting for a reader who takes nothing.
    mutating func write(_ lines: [UInt8], now: UInt64, while waits: () -> Bool) -> Outcome {
        outcome = Outcome()
        if wantsOpening, now >= retryAt { reopen(now) }
        var rest = lines[...]
        while !rest.isEmpty {
            let part = part(of: rest, now)
            let written = put(part, while: waits)
            guard written == part.count else {
                // Nobody can be told here but by the counts.
                isCut = written > 0 ? part[part.startIndex + written - 1] != Self.lineFeed : isCut
                outcome.failures += 1
                outcome.lost = rest.dropFirst(written).count { $0 == Self.lineFeed }
                break
            }
            rest = rest[part.endIndex...]
        }
        return outcome
    }

    private static let lineFeed = UInt8(ascii: "\n")

    /// As many of the lines as are written next: to a stream what it takes at once, to a file what fits. One line at least,
    /// however large it is.
    private mutating func part(of rest: ArraySlice<UInt8>, _ now: UInt64) -> ArraySlice<UInt8> {
        if open.isStream { return Self.whole(rest, within: Self.atomicSize) ?? Self.first(rest) }
        guard let rotation else { return rest }
        // Twice: the path may lead to another file, which is full too.
        for _ in 0..<3 {
            if let part = Self.whole(rest, within: rotation.maximumSize - open.size) { return part }
            if open.size == 0 { return Self.first(rest) }
            // Until it can be set aside, the file grows.
            guard now >= retryAt, beginAnew(rotation, now) else { break }
        }
        return rest
    }

    /// As many whole lines as are not longer than `size`; `nil`: not one.
    private static func whole(_ rest: ArraySlice<UInt8>, within size: Int) -> ArraySlice<UInt8>? {
        if rest.count <= size { return rest }
        return size > 0 ? rest.prefix(size).lastIndex(of: lineFeed).map { rest[...$0] } : nil
    }

    private static func first(_ rest: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        rest[...(rest.firstIndex(of: lineFeed) ?? rest.endIndex - 1)]
    }

    // MARK: Other files

    private mutating func reopen(_ now: UInt64) {
        guard !isStandardOutput else { return }
        guard let file = Open(path) else {
            wantsOpening = true
            return fail(now)
        }
        wantsOpening = false
        replace(by: file)
    }

    private mutating func replace(by file: Open) {
        _ = close(open.descriptor)
        open = file
        isCut = false
    }

    private mutating func fail(_ now: UInt64) {
        outcome.failures += 1
        retryAt = now + Self.patience
    }

    /// Sets the file aside, and goes on with a new one; `false` where that failed, and nothing has changed.
    private mutating func beginAnew(_ rotation: LineSink.Rotation, _ now: UInt64) -> Bool {
        guard open.isAt(path) else {
            // Somebody has renamed or removed it: there is nothing to set aside.
            reopen(now)
            return !wantsOpening
        }
        let (next, aside) = ("\(path).new", "\(path).0")
        // Of a run that ended within this function.
        _ = unsafe unlink(next)
        guard let file = Open(next, O_EXCL) else {
            fail(now)
            return false
        }
        guard unsafe rename(path, aside) == 0 else {
            discard(file, next, now)
            return false
        }
        guard unsafe rename(next, path) == 0 else {
            _ = unsafe rename(aside, path)
            discard(file, next, now)
            return false
        }
        replace(by: file)
        for number in stride(from: rotation.keep - 1, through: 0, by: -1) {
            // There are not as many yet; but the one that was just set aside is there.
            if unsafe rename("\(path).\(number)", "\(path).\(number + 1)") != 0, number == 0 || errno != ENOENT {
                outcome.failures += 1
            }
        }
        return true
    }

    private mutating func discard(_ file: Open, _ name: String, _ now: UInt64) {
        fail(now)
        _ = close(file.descriptor)
        _ = unsafe unlink(name)
    }

    // MARK: Bytes

    /// - Returns: how much was written; all of it, unless it failed or nobody waits any more.
    private mutating func put(_ part: ArraySlice<UInt8>, while waits: () -> Bool) -> Int {
        if isCut {
            // What is left of a line stays a line of its own.
            guard !open.isStream || hasRoom(while: waits), writeOnce([Self.lineFeed]) == 1 else { return 0 }
            isCut = false
        }
        var offset = 0
        guard open.isStream else {
            while offset < part.count {
                let written = writeOnce(part.dropFirst(offset))
                guard written > 0 else { break }
                offset += written
            }
            return offset
        }
        let turn = turn
        while offset < part.count, hasRoom(while: waits) {
            let isOpen = turn.take {
                repeat {
                    let written = writeOnce(part.dropFirst(offset).prefix(Self.atomicSize))
                    guard written >= 0 else { return false }
                    // There was room, and somebody else has taken it.
                    if written == 0 { usleep(1000) }
                    offset += written
                } while offset < part.count && hasRoom(within: Self.turnLimit)
                return true
            }
            guard isOpen else { break }
        }
        return offset
    }

    /// - Returns: bytes that were written; 0: there was no room; negative: it failed.
    private mutating func writeOnce(_ bytes: ArraySlice<UInt8>) -> Int {
        while true {
            // The pointer is used within the closure only.
            let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(open.descriptor, $0.baseAddress, $0.count) }
            if written >= 0 {
                open.size += written
                return written
            }
            if errno == EAGAIN { return 0 }
            if errno != EINTR { return -1 }
        }
    }

    private func hasRoom(while waits: () -> Bool) -> Bool {
        while !hasRoom(within: Self.glance) { guard waits() else { return false } }
        return true
    }

    /// `true` also where the reader is gone: then the next write tells.
    private func hasRoom(within milliseconds: Int32) -> Bool {
        var waited = pollfd(fd: open.descriptor, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&waited, 1, milliseconds) > 0
    }
}
