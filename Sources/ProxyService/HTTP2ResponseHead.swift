import HTTP2Wire
import HTTPWire
import NIOCore

/// The fields of a response in HTTP/2, from a member's head.
enum HTTP2ResponseHead {
    /// - Parameters:
    ///   - bytes: what the head was parsed from.
    ///   - date: written when the response has none.
    ///   - session: a field block was begun in it.
    static func write(_ bytes: ByteBuffer, _ head: ResponseHead, date: [UInt8], to session: HTTP2Session) {
        let span = bytes.readableBytesUInt8Span
        // RFC 8441 section 5: a tunnel begins with 200.
        let isSwitch = head.status == 101
        session.add(status: isSwitch ? 200 : Int(head.status))
        var hasDate = false
        for index in 0..<head.fields.count {
            let line = head.fields[index]
            if line.isDropped { continue }
            let name = span.extracting(line.nameRange.range)
            switch line.name {
            case .contentLength: continue
            case .date: hasDate = true
            // It confirms a key that the client did not send.
            case .other where isSwitch && equalsIgnoringCase(name, "sec-websocket-accept"): continue
            default: break
            }
            session.add(
                line.name.staticIndex, name: name, value: span.extracting(line.value.range),
                isSecret: line.name.isSecret)
        }
        if !hasDate, head.status >= 200 { session.add(StaticIndex.date, value: date.span) }
        if let length = head.contentLength, head.status >= 200, head.status != 204 {
            session.addNumber(StaticIndex.contentLength, length)
        }
    }
}
