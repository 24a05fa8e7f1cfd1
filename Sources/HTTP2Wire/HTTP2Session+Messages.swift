/// The form of messages (RFC 9113 section 8).
extension HTTP2Session {
    func takeRequest(_ id: UInt32, _ isEnd: Bool) -> Event? {
        guard id & 1 == 1 else { return failed(.protocolError) }
        if let place = streams.find(id) { return takeTrailers(id, place, isEnd) }
        guard id > lastStream else {
            // What was sent before the reset was known, or numbers that run backwards (section 5.1.1).
            return resetStreams.contains(id) ? countControl() : failed(.streamClosed)
        }
        lastStream = id
        guard !refusesStreams, streams.count < limits.streams else { return refuseNew(id) }
        let length = checkRequest(isEnd)
        guard let length else { return broken(id, nil, .protocolError, as: .malformed) }
        expectUpdates(Self.updatesPerRequest)
        var state = StreamState()
        state.id = id
        state.began = now
        state.sendWindow = initialWindow
        state.receiveWindow = newReceiveWindow
        state.remaining = length
        state.isInputEnded = isEnd
        state.hasHead = true
        return .request(stream: streams.insert(state))
    }

    /// More than this side takes at once: until the peer has read how many that are, it does not break a rule.
    private func refuseNew(_ id: UInt32) -> Event {
        guard !isAcknowledged, earlyStreams < Self.mostEarlyStreams else {
            return broken(id, nil, .refusedStream, as: .refused)
        }
        earlyStreams += 1
        appendReset(id, .refusedStream)
        return .refused
    }

    func takeResponse(_ id: UInt32, _ isEnd: Bool) -> Event? {
        guard isKnown(id) else { return failed(.protocolError) }
        // What was sent before the reset was known.
        guard let place = streams.find(id) else { return nil }
        if streams[place].hasHead { return takeTrailers(id, place, isEnd) }
        guard !streams[place].isInputEnded else { return broken(id, place, .streamClosed) }
        guard let length = checkResponse(isEnd) else { return broken(id, place, .protocolError) }
        if fields.status >= 200 {
            streams[place].hasHead = true
            let hasBody = !streams[place].isHead && fields.status != 204 && fields.status != 304
            streams[place].remaining = hasBody ? length : 0
            if isEnd, hasBody, length > 0 { return broken(id, place, .protocolError) }
        }
        if isEnd { streams[place].isInputEnded = true }
        return .response(stream: place)
    }

    private func takeTrailers(_ id: UInt32, _ place: Int, _ isEnd: Bool) -> Event? {
        guard !streams[place].isInputEnded else { return broken(id, place, .streamClosed) }
        guard isEnd, streams[place].remaining <= 0, checkFields(from: 0, isTrimmed: false) else {
            return broken(id, place, .protocolError)
        }
        streams[place].isInputEnded = true
        return .trailers(stream: place)
    }

    /// - Returns: the length that it says, -1 for none; `nil` when it is malformed (section 8.3.1).
    private func checkRequest(_ isEnd: Bool) -> Int? {
        let section = fields
        var index = 0
        while index < section.count, section.token(index).isPseudo {
            guard section.marks(index).isEmpty else { return nil }
            switch section.token(index) {
            case .method where section.method < 0: section.method = index
            case .scheme where section.scheme < 0: section.scheme = index
            case .path where section.path < 0: section.path = index
            case .authority where section.authority < 0: section.authority = index
            case .protocolName where section.protocolName < 0: section.protocolName = index
            default: return nil
            }
            index += 1
        }
        guard section.method >= 0 else { return nil }
        let method = section.value(section.method)
        let isConnect =
            method.count == 7 && method[0] == UInt8(ascii: "C") && method[1] == UInt8(ascii: "O")
            && method[2] == UInt8(ascii: "N") && method[3] == UInt8(ascii: "N") && method[4] == UInt8(ascii: "E")
            && method[5] == UInt8(ascii: "C") && method[6] == UInt8(ascii: "T")
        if isConnect, section.protocolName < 0 {
            guard section.authority >= 0, section.scheme < 0, section.path < 0 else { return nil }
        } else {
            guard section.scheme >= 0, section.path >= 0, isConnect || section.protocolName < 0 else { return nil }
            guard section.value(section.path).count > 0 else { return nil }
        }
        guard checkFields(from: index, isTrimmed: true) else { return nil }
        guard section.contentLength >= 0 else { return -1 }
        // One that is not a number is refused with the words of HTTP/1.1.
        section.length = number(section.value(section.contentLength))
        let length = section.length ?? -1
        return isEnd && length > 0 ? nil : length
    }

    /// - Returns: as for a request.
    private func checkResponse(_ isEnd: Bool) -> Int? {
        let section = fields
        guard section.count > 0, section.token(0) == .status, section.value(0).count == 3,
            let status = number(section.value(0)), (100...599).contains(status)
        else { return nil }
        section.status = status
        // Section 8.6 has no 101, and section 8.1 no end behind an interim response.
        guard status != 101, status >= 200 || !isEnd else { return nil }
        guard checkFields(from: 1, isTrimmed: false) else { return nil }
        guard section.contentLength >= 0 else { return -1 }
        section.length = number(section.value(section.contentLength))
        return section.length
    }

    /// The fields that are no pseudo-fields.
    ///
    /// - Parameter isTrimmed: no blank may begin or end a value.
    private func checkFields(from start: Int, isTrimmed: Bool) -> Bool {
        let section = fields
        let bad: FieldMarks = isTrimmed ? [.badName, .badValue, .untrimmed] : [.badName, .badValue]
        for index in start..<section.count {
            guard section.marks(index).isDisjoint(with: bad) else { return false }
            switch section.token(index) {
            case .other, .webSocketKey:
                break
            case .host:
                guard section.host < 0 || role == .client else { return false }
                section.host = index
            case .cookie:
                section.cookies += 1
            case .contentLength:
                if section.contentLength < 0 { section.contentLength = index }
            case .te:
                guard role == .client || isTrailers(section.value(index)) else { return false }
            default:
                // A pseudo-field behind a field, or a field of a connection.
                return false
            }
        }
        return true
    }

    /// RFC 9113 section 8.2.2.
    private func isTrailers(_ value: Span<UInt8>) -> Bool {
        let wanted: StaticString = "trailers"
        guard value.count == wanted.utf8CodeUnitCount else { return false }
        // As long as the text.
        for index in 0..<value.count where unsafe value[index] != wanted.utf8Start[index] { return false }
        return true
    }

    /// 1*DIGIT; `nil` for what is something else, or cannot be counted. The parser of HTTP/1.1 takes the same ones, with as
    /// many zeros before them: what is no number for one of the two and a length for the other would smuggle requests.
    private func number(_ text: Span<UInt8>) -> Int? {
        guard text.count > 0 else { return nil }
        var value = 0
        for index in 0..<text.count {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(digit))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }
}
