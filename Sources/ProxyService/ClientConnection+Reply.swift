import Balancing
import HTTP2Wire
import HTTPWire
import NIOCore
import TrafficModel

/// Responses that are made here rather than by a member.
extension ClientConnection {
    /// Answers a message that is not acceptable, and closes: what follows it cannot be told apart from it.
    func refuse(_ error: HeadError) {
        releaseUpstream(keep: false)
        reply(error.status, error.reason, closes: true)
    }

    /// Answers with a text that says why, for people.
    func reply(_ status: UInt16, _ reason: StaticString, retryAfter: Int? = nil, closes: Bool = false) {
        guard phase == .exchange else { return }
        if exchange.isAnswered { return abort() }
        // A member that was being sent a body has no part in the answer.
        releaseUpstream(keep: false)
        if closes { exchange.keepsAlive = false }
        if exchange.isGRPC, let stream { return replyToCall(status, reason, on: stream) }
        var body = ByteBuffer()
        body.writeInteger(UInt8(ascii: "0") + UInt8(status / 100))
        body.writeInteger(UInt8(ascii: "0") + UInt8(status / 10 % 10))
        body.writeInteger(UInt8(ascii: "0") + UInt8(status % 10))
        body.writeStaticString(" ")
        body.writeStaticString(statusReason(status))
        body.writeStaticString("\n")
        body.writeStaticString(reason)
        body.writeStaticString("\nRequest: ")
        _ = body.appendHead(capacity: 32) { writer in
            writer.write(hexadecimal: exchange.identifier.high)
            writer.write(hexadecimal: exchange.identifier.low)
        }
        body.writeStaticString("\n")
        send(status, contentType: "text/plain; charset=utf-8", body, retryAfter: retryAfter)
    }

    func respond(_ response: Route.FixedResponse) {
        send(UInt16(response.status), contentType: response.contentType, ByteBuffer(string: response.body))
    }

    /// `{host}`, `{path}` and `{query}` in the location stand for the request's own.
    func redirectTo(_ redirect: Route.Redirect, _ bytes: ByteBuffer, _ head: RequestHead) {
        let text = { (range: ByteRange) in
            String(buffer: bytes.getSlice(at: bytes.readerIndex + range.start, length: range.count) ?? ByteBuffer())
        }
        var location = ""
        var rest = redirect.location[...]
        while let open = rest.firstIndex(of: "{") {
            location += rest[..<open]
            rest = rest[open...]
            if rest.hasPrefix("{host}") {
                location += text(head.authority.host)
                rest = rest.dropFirst(6)
            } else if rest.hasPrefix("{path}") {
                // `*` is the server, and no path of it.
                location += head.path.isEmpty || head.form == .asterisk ? "/" : text(head.path)
                rest = rest.dropFirst(6)
            } else if rest.hasPrefix("{query}") {
                location += text(head.query)
                rest = rest.dropFirst(7)
            } else {
                location += "{"
                rest = rest.dropFirst()
            }
        }
        location += rest
        // A path that begins with two slashes would be read as a host (RFC 3986 section 4.2).
        if redirect.location.hasPrefix("{path}") || redirect.location.hasPrefix("/{path}") {
            while location.hasPrefix("//") { location.removeFirst() }
        }
        send(UInt16(redirect.status), contentType: nil, ByteBuffer(), location: location)
    }

    private func send(
        _ status: UInt16, contentType: String?, _ body: ByteBuffer, location: String? = nil, retryAfter: Int? = nil
    ) {
        if isLeaving || !exchange.isBodyComplete { exchange.keepsAlive = false }
        exchange.isAnswered = true
        exchange.status = Int(status)
        worker.date.refresh()
        if let stream {
            sendFields(status, contentType: contentType, body, location: location, retryAfter: retryAfter, on: stream)
            return finish()
        }
        outbox.writeStaticString("HTTP/1.1 ")
        outbox.writeString("\(status) ")
        outbox.writeStaticString(statusReason(status))
        outbox.writeStaticString("\r\nDate: ")
        outbox.writeBytes(worker.date.bytes)
        if let location {
            outbox.writeStaticString("\r\nLocation: ")
            outbox.writeString(location)
        }
        let hasBody = status >= 200 && status != 204 && status != 304
        if let contentType, hasBody {
            outbox.writeStaticString("\r\nContent-Type: ")
            outbox.writeString(contentType)
        }
        if hasBody { outbox.writeString("\r\nContent-Length: \(body.readableBytes)") }
        if let retryAfter { outbox.writeString("\r\nRetry-After: \(retryAfter)") }
        // RFC 9110 section 15.5.22 and RFC 6455 section 4.4. HTTP/2 has no such answer: nothing upgrades there.
        if status == 426, exchange.wantsWebSocket {
            outbox.writeStaticString("\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13")
        }
        if !exchange.keepsAlive {
            outbox.writeStaticString(
                status == 426 && exchange.wantsWebSocket ? "\r\nConnection: close, upgrade" : "\r\nConnection: close")
        } else if exchange.isOldClient {
            outbox.writeStaticString("\r\nConnection: keep-alive")
        }
        outbox.writeStaticString("\r\n\r\n")
        if hasBody, exchange.method != .head { outbox.writeImmutableBuffer(body) }
        finish()
    }

    private func sendFields(
        _ status: UInt16, contentType: String?, _ body: ByteBuffer, location: String?, retryAfter: Int?,
        on stream: ClientStream
    ) {
        let hasBody = status >= 200 && status != 204 && status != 304
        let sendsBody = hasBody && exchange.method != .head && body.readableBytes > 0
        let date = worker.date.bytes
        stream.sendHead(isEnd: !sendsBody) { session in
            session.add(status: Int(status))
            session.add(StaticIndex.date, value: date.span)
            if let location { session.add(StaticIndex.location, value: Array(location.utf8).span) }
            if let contentType, hasBody { session.add(StaticIndex.contentType, value: Array(contentType.utf8).span) }
            if hasBody { session.addNumber(StaticIndex.contentLength, body.readableBytes) }
            if let retryAfter { session.addNumber(StaticIndex.retryAfter, retryAfter) }
        }
        guard sendsBody else { return }
        exchange.bytesOut += body.readableBytes
        stream.send(body, isEnd: true)
    }
}
