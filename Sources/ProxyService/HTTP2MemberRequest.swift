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
        var fields = HPACKHeaders()
        fields.reserveCapacity(head.fields.count + 5)
        fields.add(name: ":method", value: text(head.methodRange))
        fields.add(name: ":scheme", value: isTLS ? "https" : "http")
        fields.add(name: ":path", value: text(head.path) + text(head.query), indexing: .nonIndexable)
        fields.add(name: ":authority", value: text(head.authority.text))
        for index in 0..<head.fields.count {
            let line = head.fields[index]
            if line.isDropped || line.name == .host { continue }
            fields.add(
                name: HTTP2ResponseHead.lowerCaseName(bytes, line), value: text(line.value),
                indexing: line.name.indexing)
        }
        if head.acceptsTrailers { fields.add(name: "te", value: "trailers") }
        return fields
    }
}

extension FieldName {
    /// Secrets are kept out of the table (RFC 7541 section 7.1.3), and so is what would not be found there again.
    var indexing: HPACKIndexing {
        switch self {
        case .authorization, .cookie, .setCookie: .neverIndexed
        case .xRequestID, .contentLength, .contentRange, .age: .nonIndexable
        default: .indexable
        }
    }
}
