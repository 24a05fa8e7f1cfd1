/// Bytes that come.
extension HTTP2Session {
    /// The next event of `bytes`, whose first byte is the first that was not consumed yet.
    ///
    /// - Parameter offset: where to go on; it is moved past what was consumed.
    package func next(_ bytes: Span<UInt8>, offset: inout Int) -> Event {
        while true {
            if isReadingData {
                if let event = readData(bytes, &offset) { return event }
                continue
            }
            switch phase {
            case .failed: return .incomplete
            case .preface:
                guard readPreface(bytes, &offset) else {
                    return phase == .failed
                        ? .failed(.protocolError, isFlood: false) : incomplete(bytes.count - offset)
                }
                continue
            case .settings, .frames: break
            }
            guard bytes.count - offset >= FrameHeader.size else { return incomplete(bytes.count - offset) }
            let header = FrameHeader(bytes, at: offset)
            if let event = checkHeader(header) { return event }
            if header.kind == FrameHeader.Kind.data {
                if let event = beginData(header, bytes, &offset) { return event }
                continue
            }
            guard bytes.count - offset - FrameHeader.size >= header.length else {
                return incomplete(bytes.count - offset, isFields: header.kind == FrameHeader.Kind.headers)
            }
            let start = offset + FrameHeader.size
            offset = start + header.length
            let event = take(header, bytes.extracting(start..<offset))
            // Fields are whole with their last frame.
            if blockStream == 0 { unfinished = nil }
            if let event { return event }
        }
    }

    /// Nothing more can be consumed: notes since when that is for what has begun.
    private func incomplete(_ left: Int, isFields: Bool = false) -> Event {
        let isFields = isFields || blockStream != 0
        guard left > 0 || isFields else { return .incomplete }
        if unfinished == nil { unfinished = Unfinished(since: now) }
        if isFields { unfinished?.isFields = true }
        return .incomplete
    }

    /// - Returns: whether all of it is there.
    private func readPreface(_ bytes: Span<UInt8>, _ offset: inout Int) -> Bool {
        let count = Self.preface.utf8CodeUnitCount
        let available = min(bytes.count - offset, count)
        for index in 0..<available where unsafe bytes[offset + index] != Self.preface.utf8Start[index] {
            fail(.protocolError)
            return false
        }
        guard available == count else { return false }
        offset += count
        unfinished = nil
        phase = .settings
        return true
    }

    /// What can be wrong before the payload is there.
    private func checkHeader(_ header: FrameHeader) -> Event? {
        guard header.length <= FrameHeader.largestPayload else { return failed(.frameSizeError) }
        if phase == .settings {
            // RFC 9113 section 3.4: each side begins with its settings.
            guard header.kind == FrameHeader.Kind.settings, !header.has(FrameHeader.Flags.ack) else {
                return failed(.protocolError)
            }
            phase = .frames
        }
        if blockStream != 0 {
            guard header.kind == FrameHeader.Kind.continuation, header.stream == blockStream else {
                return failed(.protocolError)
            }
        } else if header.kind == FrameHeader.Kind.continuation {
            return failed(.protocolError)
        }
        return nil
    }

    func failed(_ code: ErrorCode, isFlood: Bool = false) -> Event {
        fail(code)
        return .failed(code, isFlood: isFlood)
    }

    /// The peer broke a rule on one stream (RFC 9113 section 5.4.2).
    ///
    /// - Parameter event: what that is called; `nil`: broken.
    func broken(_ id: UInt32, _ place: Int?, _ code: ErrorCode, as event: Event? = nil) -> Event {
        appendReset(id, code)
        if let place { remove(place) }
        // A peer can make this side reset as often as it resets itself (CVE-2025-8671).
        if role == .server, resets.isExceeded(now) { return failed(.enhanceYourCalm, isFlood: true) }
        return event ?? .broken(stream: place ?? -1)
    }

    func countControl() -> Event? {
        controls.isExceeded(now) ? failed(.enhanceYourCalm, isFlood: true) : nil
    }

    /// Whether a stream with that number has been, or is.
    func isKnown(_ id: UInt32) -> Bool { id & 1 == 1 && id <= lastStream }

    // MARK: DATA

    private func beginData(_ header: FrameHeader, _ bytes: Span<UInt8>, _ offset: inout Int) -> Event? {
        var padding = 0
        var extra = 0
        var size = FrameHeader.size
        if header.has(FrameHeader.Flags.padded) {
            guard header.length >= 1 else { return failed(.frameSizeError) }
            guard bytes.count - offset > FrameHeader.size else { return incomplete(bytes.count - offset) }
            padding = Int(bytes[offset + FrameHeader.size])
            guard padding < header.length else { return failed(.protocolError) }
            extra = padding + 1
            size += 1
        }
        guard header.stream != 0, isKnown(header.stream) else { return failed(.protocolError) }
        guard header.length <= receiveWindow else { return failed(.flowControlError) }
        receiveWindow -= header.length
        offset += size
        unfinished = nil
        let body = header.length - extra
        if body > 0 { hasMovedData = true }
        isReadingData = body + padding > 0
        dataRemaining = body
        dataPadding = padding
        dataExtra = extra
        dataEnds = header.has(FrameHeader.Flags.endStream)
        dataStream = -1
        giveBack(header.length)

        guard let place = streams.find(header.stream) else {
            // What it sent before it knew of the reset.
            if resetStreams.contains(header.stream) || role == .client { return nil }
            return broken(header.stream, nil, .streamClosed)
        }
        if let code = checkData(place, header.length, body) { return broken(header.stream, place, code) }
        streams[place].receiveWindow -= header.length
        if body == 0, !dataEnds {
            if let event = countEmptyFrame(header.stream, place) { return event }
        } else if role == .server {
            emptyFrames = 0
        } else {
            streams[place].emptyFrames = 0
        }
        if body == 0 {
            if dataEnds { streams[place].isInputEnded = true }
            return .data(stream: place, offset..<offset, count: extra, isEnd: dataEnds)
        }
        dataStream = place
        return nil
    }

    /// DATA that says nothing. A client that sends one behind another has only its own connection to lose. Those of a
    /// member come for many clients: there the stream goes, and the connection with what would be a flood of any kind.
    private func countEmptyFrame(_ id: UInt32, _ place: Int) -> Event? {
        guard role == .client else {
            emptyFrames += 1
            return emptyFrames > Self.mostEmptyFrames ? failed(.enhanceYourCalm, isFlood: true) : nil
        }
        if let event = countControl() { return event }
        streams[place].emptyFrames += 1
        return streams[place].emptyFrames > Self.mostEmptyFrames ? broken(id, place, .enhanceYourCalm) : nil
    }

    private func checkData(_ place: Int, _ length: Int, _ body: Int) -> ErrorCode? {
        if streams[place].isInputEnded { return .streamClosed }
        // RFC 9113 section 8.1: a body follows a head.
        guard streams[place].hasHead else { return .protocolError }
        guard length <= streams[place].receiveWindow else { return .flowControlError }
        guard streams[place].remaining >= 0 else { return nil }
        // RFC 9113 section 8.1.1.
        guard body <= streams[place].remaining, !dataEnds || body == streams[place].remaining else {
            return .protocolError
        }
        streams[place].remaining -= body
        return nil
    }

    /// Goes on with a frame of DATA whose beginning was read.
    private func readData(_ bytes: Span<UInt8>, _ offset: inout Int) -> Event? {
        guard dataRemaining > 0 else {
            let count = min(dataPadding, bytes.count - offset)
            offset += count
            dataPadding -= count
            guard dataPadding == 0 else { return .incomplete }
            isReadingData = false
            return nil
        }
        let count = min(dataRemaining, bytes.count - offset)
        guard count > 0 else { return .incomplete }
        let range = offset..<offset + count
        offset += count
        dataRemaining -= count
        let isLast = dataRemaining == 0
        if isLast, dataPadding == 0 { isReadingData = false }
        let place = dataStream
        guard place >= 0 else { return nil }
        if isLast, dataEnds { streams[place].isInputEnded = true }
        if isLast { dataStream = -1 }
        return .data(stream: place, range, count: count + (isLast ? dataExtra : 0), isEnd: isLast && dataEnds)
    }

    // MARK: Other frames

    private func take(_ header: FrameHeader, _ payload: Span<UInt8>) -> Event? {
        switch header.kind {
        case FrameHeader.Kind.headers: headers(header, payload)
        case FrameHeader.Kind.continuation: continuation(header, payload)
        case FrameHeader.Kind.priority: priority(header)
        case FrameHeader.Kind.reset: reset(header, payload)
        case FrameHeader.Kind.settings: settings(header, payload)
        case FrameHeader.Kind.ping: ping(header, payload)
        case FrameHeader.Kind.goAway: goAway(header, payload)
        case FrameHeader.Kind.windowUpdate: windowUpdate(header, payload)
        // Clients have not allowed it, servers must not be sent it.
        case FrameHeader.Kind.pushPromise: failed(.protocolError)
        // RFC 9113 section 4.1: what is not known is passed over.
        default: countControl()
        }
    }

    private func headers(_ header: FrameHeader, _ payload: Span<UInt8>) -> Event? {
        guard header.stream != 0 else { return failed(.protocolError) }
        var start = 0
        var end = payload.count
        if header.has(FrameHeader.Flags.padded) {
            guard end >= 1 else { return failed(.frameSizeError) }
            start = 1
            end -= Int(payload[0])
        }
        if header.has(FrameHeader.Flags.priority) { start += 5 }
        guard start <= end else {
            return failed(header.has(FrameHeader.Flags.padded) ? .protocolError : .frameSizeError)
        }
        let fragment = payload.extracting(start..<end)
        if header.has(FrameHeader.Flags.endHeaders) { return takeBlock(header.stream, header.flags, fragment) }
        blockStream = header.stream
        blockFlags = header.flags
        continuations = 0
        block.removeAll(keepingCapacity: true)
        for index in 0..<fragment.count { block.append(fragment[index]) }
        return nil
    }

    private func continuation(_ header: FrameHeader, _ payload: Span<UInt8>) -> Event? {
        continuations += 1
        guard continuations <= Self.mostContinuations else { return failed(.enhanceYourCalm, isFlood: true) }
        for index in 0..<payload.count { block.append(payload[index]) }
        guard header.has(FrameHeader.Flags.endHeaders) else { return nil }
        let id = blockStream
        blockStream = 0
        let whole = block
        block = []
        return takeBlock(id, blockFlags, whole.span)
    }

    /// All of a field block is there. It is decoded whatever becomes of it, because later ones build on it.
    private func takeBlock(_ id: UInt32, _ flags: UInt8, _ bytes: Span<UInt8>) -> Event? {
        switch decoder.decode(bytes, into: fields, limit: limits.fieldBytes) {
        case .malformed: return failed(.compressionError)
        case .tooLarge: return failed(.enhanceYourCalm, isFlood: true)
        case .decoded: break
        }
        let isEnd = flags & FrameHeader.Flags.endStream != 0
        return role == .server ? takeRequest(id, isEnd) : takeResponse(id, isEnd)
    }

    private func priority(_ header: FrameHeader) -> Event? {
        guard header.stream != 0 else { return failed(.protocolError) }
        // Of one stream, but nothing that a stream could be reset for is worth telling apart.
        guard header.length == 5 else { return failed(.frameSizeError) }
        return countControl()
    }

    private func reset(_ header: FrameHeader, _ payload: Span<UInt8>) -> Event? {
        guard header.length == 4 else { return failed(.frameSizeError) }
        guard isKnown(header.stream) else { return failed(.protocolError) }
        let place = streams.find(header.stream)
        if role == .server, isRash(place), isOneTooMany() {
            return failed(.enhanceYourCalm, isFlood: true)
        }
        guard let place else { return nil }
        remove(place)
        return .reset(stream: place, ErrorCode(rawValue: number(payload, at: 0)))
    }

    /// Whether a reset counts towards a flood (CVE-2023-44487): it comes soon behind its request, before what streams there
    /// may be at once can bound how often.
    ///
    /// - Parameter place: the stream's; `nil`: it is closed already.
    private func isRash(_ place: Int?) -> Bool { place.map { now &- streams[$0].began < Self.longStream } ?? true }

    /// Counts a reset, where requests that were served have paid for it, with those.
    private func isOneTooMany() -> Bool {
        guard paidResets > 0 else { return resets.isExceeded(now) }
        paidResets -= 1
        return paid.isExceeded(now)
    }

    private func settings(_ header: FrameHeader, _ payload: Span<UInt8>) -> Event? {
        guard header.stream == 0 else { return failed(.protocolError) }
        if header.has(FrameHeader.Flags.ack) {
            guard header.length == 0 else { return failed(.frameSizeError) }
            isAcknowledged = true
            return countControl()
        }
        guard header.length % 6 == 0 else { return failed(.frameSizeError) }
        var index = 0
        while index < payload.count {
            let name = Int(payload[index]) << 8 | Int(payload[index + 1])
            if let code = apply(setting: name, Int(number(payload, at: index + 2))) { return failed(code) }
            index += 6
        }
        isSettled = true
        if let event = countControl() { return event }
        output.appendFrame(length: 0, kind: FrameHeader.Kind.settings, flags: FrameHeader.Flags.ack, stream: 0)
        return .settings
    }

    /// RFC 9113 section 6.5.2.
    private func apply(setting: Int, _ value: Int) -> ErrorCode? {
        switch setting {
        case 1:
            encoder.setLimit(value)
        case 2:
            // A server pushes, and has nothing to allow.
            guard value == 0 || (value == 1 && role == .server) else { return .protocolError }
        case 3:
            peerStreams = value
        case 4:
            guard value <= StreamTable.largestWindow else { return .flowControlError }
            let delta = value - initialWindow
            initialWindow = value
            if delta != 0, !streams.widen(by: delta) { return .flowControlError }
        case 5:
            guard (FrameHeader.largestPayload...0xff_ffff).contains(value) else { return .protocolError }
        // Larger frames than the smallest allowed would only hold up other streams' frames.
        case 8:
            guard value <= 1 else { return .protocolError }
            peerAllowsConnect = value == 1
        default:
            break
        }
        return nil
    }

    private func ping(_ header: FrameHeader, _ payload: Span<UInt8>) -> Event? {
        guard header.stream == 0 else { return failed(.protocolError) }
        guard header.length == 8 else { return failed(.frameSizeError) }
        if header.has(FrameHeader.Flags.ack) {
            // One that nobody asked for means nothing, but costs as much as a PING.
            guard openPings > 0 else { return countControl() }
            openPings -= 1
            return .pong
        }
        // gRPC measures the way with one for each of its round trips, as long as data flows.
        if hasMovedData {
            hasMovedData = false
        } else if let event = countControl() {
            return event
        }
        output.appendFrame(length: 8, kind: FrameHeader.Kind.ping, flags: FrameHeader.Flags.ack, stream: 0)
        output.append(payload)
        return nil
    }

    private func goAway(_ header: FrameHeader, _ payload: Span<UInt8>) -> Event? {
        guard header.stream == 0 else { return failed(.protocolError) }
        guard header.length >= 8 else { return failed(.frameSizeError) }
        if let event = countControl() { return event }
        return .goAway(last: number(payload, at: 0) & 0x7fff_ffff, ErrorCode(rawValue: number(payload, at: 4)))
    }

    private func windowUpdate(_ header: FrameHeader, _ payload: Span<UInt8>) -> Event? {
        guard header.length == 4 else { return failed(.frameSizeError) }
        if expectedUpdates > 0 {
            expectedUpdates -= 1
        } else if let event = countControl() {
            return event
        }
        let increment = Int(number(payload, at: 0) & 0x7fff_ffff)
        guard header.stream != 0 else {
            guard increment > 0 else { return failed(.protocolError) }
            guard sendWindow + increment <= StreamTable.largestWindow else { return failed(.flowControlError) }
            // While it was open, nobody waited for it.
            let wasClosed = sendWindow <= 0
            sendWindow += increment
            return wasClosed ? .windowOpened(stream: -1) : nil
        }
        guard isKnown(header.stream) else { return failed(.protocolError) }
        guard let place = streams.find(header.stream) else { return nil }
        guard increment > 0 else { return broken(header.stream, place, .protocolError) }
        guard streams[place].sendWindow + increment <= StreamTable.largestWindow else {
            return broken(header.stream, place, .flowControlError)
        }
        streams[place].sendWindow += increment
        return .windowOpened(stream: place)
    }
}
