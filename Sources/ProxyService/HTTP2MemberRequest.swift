import HTTPWire
import NIOCore
import NIOHPACK

/// A request's field section for a member that speaks HTTP/2.
enum HTTP2MemberRequest {
    /// - Parameter head: parsed from `bytes`, which were written for the member.
    static func fields(_ bytes: ByteBuffer, _ head: RequestHead, isTLS: Bool) -> HPACKHeaders {
        let text = { (range: ByteRange) in
            bytes.getString(at: bytes.readerIndex + range.start, length: range.count) ?? ""
        }
        var list: [(String, String)] = []
        list.reserveCapacity(head.fields.count + 5)
        list.append((":method", text(head.methodRange)))
        list.append((":scheme", isTLS ? "https" : "http"))
        list.append((":path", text(head.path) + text(head.query)))
        list.append((":authority", text(head.authority.text)))
        for index in 0..<head.fields.count {
            let line = head.fields[index]
            if line.isDropped || line.name == .host { continue }
            list.append((HTTP2ResponseHead.lowerCaseName(bytes, line), text(line.value)))
        }
        if head.acceptsTrailers { list.append(("te", "trailers")) }
        return HPACKHeaders(list)
    }
}
