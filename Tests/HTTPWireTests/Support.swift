import HTTPWire
import NIOCore

/// Parses `text` as a request head.
func parseRequest(_ text: some StringProtocol, _ limits: HeadLimits = HeadLimits()) -> (HeadResult, RequestHead) {
    let head = RequestHead()
    return (head.parse(Array(text.utf8).span, limits: limits), head)
}

func parseResponse(
    _ text: some StringProtocol, method: Method = .get, _ limits: HeadLimits = HeadLimits(underscores: .keep)
) -> (HeadResult, ResponseHead) {
    let head = ResponseHead()
    return (head.parse(Array(text.utf8).span, limits: limits, method: method), head)
}

func text(_ source: String, _ range: ByteRange) -> String {
    String(decoding: Array(source.utf8)[range.range], as: UTF8.self)
}

let plainForwarding = Forwarding(client: Array("192.0.2.7".utf8), isSecure: false, defaultHost: Array("vip:80".utf8))

/// What the member gets of a request head.
func forwarded(
    _ source: String, _ forwarding: Forwarding = plainForwarding, path: String = "", upgrade: Bool = false,
    limits: HeadLimits = HeadLimits()
) -> String {
    let (result, head) = parseRequest(source, limits)
    guard result == .complete else { return "\(result)" }
    var buffer = ByteBuffer()
    let bytes = Array(source.utf8)
    let replacement = Array(path.utf8)
    let fitted = buffer.appendHead(capacity: head.forwardedSize(forwarding) + replacement.count) { writer in
        head.write(
            bytes.span, path: replacement.span, forwarding: forwarding, identifier: RequestID(high: 1, low: 2),
            upgrade: upgrade, to: &writer)
    }
    return fitted ? String(buffer: buffer) : "overfull"
}

/// What the client gets of a response head.
func delivered(
    _ source: String, method: Method = .get, framing: BodyFraming? = nil,
    connection: ResponseHead.Delivery.Connection = .keep, date: String = "", via: String = ""
) -> String {
    let (result, head) = parseResponse(source, method: method)
    guard result == .complete else { return "\(result)" }
    var buffer = ByteBuffer()
    let bytes = Array(source.utf8)
    let dateBytes = Array(date.utf8)
    let viaBytes = Array(via.utf8)
    let delivery = ResponseHead.Delivery(framing: framing ?? head.framing, connection: connection)
    let fitted = buffer.appendHead(capacity: head.forwardedSize(date: dateBytes.span, via: viaBytes.span)) { writer in
        head.write(bytes.span, delivery: delivery, date: dateBytes.span, via: viaBytes.span, to: &writer)
    }
    return fitted ? String(buffer: buffer) : "overfull"
}
