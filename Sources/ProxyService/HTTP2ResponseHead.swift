import HTTPWire
import NIOCore
import NIOHPACK

/// The field sections of a response in HTTP/2, from a member's head and trailers.
enum HTTP2ResponseHead {
    /// - Parameters:
    ///   - bytes: what the head was parsed from.
    ///   - date: written when the response has none.
    static func fields(_ bytes: ByteBuffer, _ head: ResponseHead, date: [UInt8]) -> HPACKHeaders {
        var list = HPACKHeaders()
        list.reserveCapacity(head.fields.count + 3)
        // RFC 8441 section 5: a tunnel begins with 200.
        let isSwitch = head.status == 101
        list.add(name: ":status", value: isSwitch ? "200" : String(head.status))
        var hasDate = false
        for index in 0..<head.fields.count {
            let line = head.fields[index]
            if line.isDropped { continue }
            switch line.name {
            case .contentLength: continue
            case .date: hasDate = true
            default: break
            }
            let name = lowerCaseName(bytes, line)
            // It confirms a key that the client did not send.
            if isSwitch, name == "sec-websocket-accept" { continue }
            list.add(name: name, value: text(bytes, line.value), indexing: line.name.indexing)
        }
        if !hasDate, head.status >= 200 { list.add(name: "date", value: String(decoding: date, as: UTF8.self)) }
        if let length = head.contentLength, head.status >= 200, head.status != 204 {
            list.add(name: "content-length", value: String(length), indexing: FieldName.contentLength.indexing)
        }
        return list
    }

    static func trailers(_ bytes: ByteBuffer, _ trailers: TrailerFields) -> HPACKHeaders {
        var list: [(String, String)] = []
        for index in 0..<trailers.fields.count where !trailers.fields[index].isDropped {
            let line = trailers.fields[index]
            list.append((lowerCaseName(bytes, line), text(bytes, line.value)))
        }
        return HPACKHeaders(list)
    }

    static func lowerCaseName(_ bytes: ByteBuffer, _ line: FieldLine) -> String {
        if line.name != .other { return knownNames[Int(line.name.rawValue)] }
        let span = bytes.readableBytesUInt8Span
        return unsafe String(unsafeUninitializedCapacity: line.nameRange.count) { room in
            // The range has as many bytes as there is room.
            for offset in 0..<line.nameRange.count {
                let byte = span[line.nameRange.start + offset]
                unsafe room[offset] = byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
            }
            return line.nameRange.count
        }
    }

    /// By raw value.
    private static let knownNames = FieldName.allCases.map { "\($0.text)".lowercased() }

    private static func text(_ bytes: ByteBuffer, _ range: ByteRange) -> String {
        bytes.getString(at: bytes.readerIndex + range.start, length: range.count) ?? ""
    }
}
