/// Frames that leave.
extension HTTP2Session {
    /// Says what this side wants; the first thing that is sent.
    package func start() {
        if role == .client {
            for index in 0..<Self.preface.utf8CodeUnitCount { output.append(unsafe Self.preface.utf8Start[index]) }
        }
        let start = output.count
        output.appendFrame(length: 0, kind: FrameHeader.Kind.settings, flags: 0, stream: 0)
        if role == .client { append(setting: 2, 0) }
        append(setting: 3, limits.streams)
        append(setting: 4, limits.streamWindow)
        append(setting: 6, limits.fieldBytes)
        if role == .server { append(setting: 8, 1) }
        output.replaceFrame(
            at: start, length: output.count - start - FrameHeader.size, kind: FrameHeader.Kind.settings, flags: 0,
            stream: 0)
        let more = limits.connectionWindow - Self.defaultWindow
        guard more > 0 else { return }
        appendWindowUpdate(0, more)
        receiveWindow += more
    }

    private func append(setting: UInt8, _ value: Int) {
        output.append(0)
        output.append(setting)
        output.append(number: UInt32(clamping: value))
    }

    private func appendWindowUpdate(_ id: UInt32, _ increment: Int) {
        output.appendFrame(length: 4, kind: FrameHeader.Kind.windowUpdate, flags: 0, stream: id)
        output.append(number: UInt32(increment))
    }

    // MARK: Streams

    /// Begins a request; its fields must follow.
    ///
    /// - Parameter isHead: it asks for no body.
    package func open(isHead: Bool) -> Int {
        lastStream = lastStream == 0 ? 1 : lastStream + 2
        var state = StreamState()
        state.id = lastStream
        state.sendWindow = initialWindow
        state.receiveWindow = newReceiveWindow
        state.isHead = isHead
        expectUpdates(Self.updatesPerRequest)
        return streams.insert(state)
    }

    /// What a peer may send that has not said that it knows of ours.
    var newReceiveWindow: Int { isAcknowledged ? limits.streamWindow : max(limits.streamWindow, Self.defaultWindow) }

    /// Ends a stream at once.
    package func reset(_ stream: Int, _ code: ErrorCode) {
        let id = streams[stream].id
        appendReset(id, code)
        remove(stream)
    }

    func appendReset(_ id: UInt32, _ code: ErrorCode) {
        resetStreams.note(id)
        output.appendFrame(length: 4, kind: FrameHeader.Kind.reset, flags: 0, stream: id)
        output.append(number: code.rawValue)
    }

    /// Forgets a stream without a word: the peer has said that it will not act on it.
    package func forget(_ stream: Int) { remove(stream) }

    /// Gives the peer room for `increment` more bytes on a stream.
    package func widen(_ stream: Int, by increment: Int) {
        guard increment > 0, !streams[stream].isInputEnded else { return }
        streams[stream].receiveWindow += increment
        appendWindowUpdate(streams[stream].id, increment)
    }

    /// The same on the connection, when it is worth a frame: bytes of streams are bounded by the streams' windows.
    func giveBack(_ count: Int) {
        owed += count
        guard owed >= limits.connectionWindow / 2 else { return }
        appendWindowUpdate(0, owed)
        receiveWindow += owed
        owed = 0
    }

    /// Sends as much of `bytes` as the windows allow.
    ///
    /// - Parameter isEnd: the message ends behind them; it is said when all have left.
    /// - Returns: how many have left.
    package func send(_ bytes: Span<UInt8>, on stream: Int, isEnd: Bool) -> Int {
        let id = streams[stream].id
        var offset = 0
        repeat {
            let left = bytes.count - offset
            // The peer's settings can make a window less than nothing (RFC 9113 section 6.9.2).
            let count = max(0, min(left, streams[stream].sendWindow, sendWindow, largestPayload))
            guard count > 0 || (left == 0 && isEnd) else { break }
            let isLast = isEnd && count == left
            output.appendFrame(
                length: count, kind: FrameHeader.Kind.data, flags: isLast ? FrameHeader.Flags.endStream : 0, stream: id)
            output.append(bytes.extracting(offset..<offset + count))
            offset += count
            if count > 0 {
                hasMovedData = true
                expectUpdates(Self.updatesPerData)
            }
            streams[stream].sendWindow -= count
            sendWindow -= count
            if isLast { streams[stream].isOutputEnded = true }
        } while offset < bytes.count
        return offset
    }

    func expectUpdates(_ count: Int) { expectedUpdates = min(expectedUpdates + count, Self.mostExpectedUpdates) }

    /// Whether the connection's window, which all streams share, is used up.
    package var isWindowClosed: Bool { sendWindow <= 0 }

    // MARK: Fields

    /// Begins a field block. Its fields follow, and ``endFields(_:isEnd:)``.
    package func beginFields() {
        blockStart = output.count
        output.appendFrame(length: 0, kind: FrameHeader.Kind.headers, flags: 0, stream: 0)
        encoder.begin(output)
    }

    package func add(fixed place: Int) { FieldEncoder.encode(fixed: place, output) }

    /// The response's status.
    package func add(status: Int) {
        switch status {
        case 200: add(fixed: StaticIndex.status)
        case 204: add(fixed: StaticIndex.status + 1)
        case 206: add(fixed: StaticIndex.status + 2)
        case 304: add(fixed: StaticIndex.status + 3)
        case 400: add(fixed: StaticIndex.status + 4)
        case 404: add(fixed: StaticIndex.status + 5)
        case 500: add(fixed: StaticIndex.status + 6)
        default: addNumber(StaticIndex.status, status)
        }
    }

    /// A field whose value is a number; it is not put into the table.
    package func addNumber(_ place: Int, _ value: Int) {
        // Four bits hold fourteen; the rest is in a byte more.
        if place < 15 { output.append(UInt8(place)) } else { appendLarge(place) }
        let start = output.count
        output.append(0)
        output.append(decimal: value)
        output.replace(at: start, UInt8(output.count - start - 1))
    }

    private func appendLarge(_ place: Int) {
        output.append(15)
        output.append(UInt8(place - 15))
    }

    /// A field that is part of the program.
    package func add(_ name: StaticString, _ value: StaticString) {
        // Both live as long as the program.
        let nameBytes = unsafe Span(_unsafeStart: name.utf8Start, count: name.utf8CodeUnitCount)
        let valueBytes = unsafe Span(_unsafeStart: value.utf8Start, count: value.utf8CodeUnitCount)
        add(0, name: nameBytes, value: valueBytes)
    }

    /// A field whose name the static table has.
    package func add(_ place: Int, value: Span<UInt8>) {
        let fixed = StaticTable.shared
        let entry = fixed[place]
        add(place, name: fixed.bytes(of: entry).extracting(0..<entry.nameCount), value: value)
    }

    /// - Parameters:
    ///   - place: where the static table has the name; 0: it does not.
    ///   - name: in any case.
    ///   - isSecret: kept out of every table on the way.
    package func add(_ place: Int, name: Span<UInt8>, value: Span<UInt8>, isSecret: Bool = false) {
        encoder.encode(place: place, name: name, value: value, isSecret: isSecret, output)
    }

    /// Ends a field block and sends it.
    ///
    /// - Parameter isEnd: the message ends with it.
    package func endFields(_ stream: Int, isEnd: Bool) {
        let id = streams[stream].id
        if isEnd { streams[stream].isOutputEnded = true }
        let flags = isEnd ? FrameHeader.Flags.endStream : 0
        var rest = output.count - blockStart - FrameHeader.size
        guard rest > largestPayload else {
            return output.replaceFrame(
                at: blockStart, length: rest, kind: FrameHeader.Kind.headers,
                flags: flags | FrameHeader.Flags.endHeaders, stream: id)
        }
        output.replaceFrame(
            at: blockStart, length: largestPayload, kind: FrameHeader.Kind.headers, flags: flags, stream: id)
        var start = blockStart + FrameHeader.size + largestPayload
        rest -= largestPayload
        while rest > 0 {
            let length = min(rest, largestPayload)
            output.insert(FrameHeader.size, at: start)
            output.replaceFrame(
                at: start, length: length, kind: FrameHeader.Kind.continuation,
                flags: length == rest ? FrameHeader.Flags.endHeaders : 0, stream: id)
            start += FrameHeader.size + length
            rest -= length
        }
    }

    // MARK: The connection

    /// Asks the peer for a sign that it has read all that was sent so far.
    package func sendPing() {
        output.appendFrame(length: 8, kind: FrameHeader.Kind.ping, flags: 0, stream: 0)
        output.append(number: 0)
        output.append(number: 0)
        openPings += 1
    }

    /// Says that no stream beyond `last` is acted on.
    package func sendGoAway(last: UInt32, _ code: ErrorCode) {
        output.appendFrame(length: 8, kind: FrameHeader.Kind.goAway, flags: 0, stream: 0)
        output.append(number: last)
        output.append(number: code.rawValue)
    }

    /// Says that the connection ends, and names the last stream; what comes beyond is refused.
    package func sendLastGoAway() {
        refusesStreams = true
        sendGoAway(last: role == .server ? lastStream : 0, .noError)
    }

    /// A request that is malformed in what only the caller knows of.
    ///
    /// - Returns: what became of it: the stream is reset, or the connection is over.
    package func refuse(_ stream: Int) -> Event {
        broken(streams[stream].id, stream, .protocolError, as: .malformed)
    }

    /// Ends the connection for something that was done too often outside of the protocol.
    package func fail(_ code: ErrorCode) {
        guard phase != .failed else { return }
        phase = .failed
        sendGoAway(last: role == .server ? lastStream : 0, code)
    }
}
