import HTTP2Wire
import HTTPWire
import NIOCore

/// A request's fields for a member that speaks HTTP/2.
enum HTTP2MemberRequest {
    /// - Parameters:
    ///   - head: parsed from `bytes`, which were written for the member.
    ///   - asksForTunnel: WebSocket is asked for with extended CONNECT (RFC 8441 section 4).
    ///   - session: a field block was begun in it.
    static func write(
        _ bytes: ByteBuffer, _ head: RequestHead, isTLS: Bool, asksForTunnel: Bool, to session: HTTP2Session
    ) {
        let span = bytes.readableBytesUInt8Span
        switch head.method {
        case .get where asksForTunnel:
            session.add(":method", "CONNECT")
            session.add(":protocol", "websocket")
        case .get: session.add(fixed: StaticIndex.get)
        case .post: session.add(fixed: StaticIndex.post)
        default: session.add(StaticIndex.get, value: span.extracting(head.methodRange.range))
        }
        session.add(fixed: isTLS ? StaticIndex.https : StaticIndex.http)
        // The query is behind the path.
        let end = head.query.isEmpty ? head.path.end : head.query.end
        session.add(StaticIndex.root, value: span.extracting(head.path.start..<end))
        session.add(StaticIndex.authority, value: span.extracting(head.authority.text.range))
        for index in 0..<head.fields.count {
            let line = head.fields[index]
            if line.isDropped || line.name == .host { continue }
            let name = span.extracting(line.nameRange.range)
            // HTTP/2 has no need of it.
            if asksForTunnel, equalsIgnoringCase(name, "sec-websocket-key") { continue }
            session.add(
                line.name.staticIndex, name: name,
                value: span.extracting(line.value.range), isSecret: line.name.isSecret)
        }
        if head.acceptsTrailers { session.add("te", "trailers") }
    }
}
