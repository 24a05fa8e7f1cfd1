import Balancing
import HTTPWire

/// What routes are matched with, taken from a head.
extension RequestHead {
    /// Appends the host in lower case, without port.
    func appendHost(_ bytes: Span<UInt8>, to output: inout [UInt8]) {
        for index in authority.host.range {
            let byte = bytes[index]
            output.append(byte &- 65 < 26 ? byte | 0x20 : byte)
        }
    }

    /// Whether routes see the path as it came; else ``HTTPWire/PathNormaliser`` makes it what they see.
    var isPathMatched: Bool { form == .asterisk || (isPathNormal && !path.isEmpty) }

    /// Whether the member would see what a route asks for: a field of the client's that passes, or what is written in its
    /// place. What is not believed and what goes no further decides nothing.
    func fulfils(_ condition: borrowing FieldCondition, _ bytes: Span<UInt8>, _ forwarding: Forwarding) -> Bool {
        let name = FieldName.known(condition.name.span)
        switch name {
        case .host:
            let host = authority.text
            if host.isEmpty { return condition.says(forwarding.defaultHost) }
            return condition.says(bytes.extracting(host.range))
        case .clientCertificateSubject:
            if let subject = forwarding.certificateSubject { return !subject.isEmpty && condition.says(subject) }
        case .xForwardedProto where !forwarding.isTrusted || !fields.contains(name):
            return condition.says(forwarding.isSecure ? Self.https : Self.http)
        case .xForwardedHost where !forwarding.isTrusted || !fields.contains(name):
            return !authority.text.isEmpty && condition.says(bytes.extracting(authority.text.range))
        case .xForwardedFor:
            return condition.says(forwardedFor(bytes, forwarding))
        case .xRequestID, .forwarded:
            // There always is one; its value is known beforehand only where it comes from who is believed.
            if condition.value == nil { return true }
            return forwarding.isTrusted && hasLine(condition, name, bytes)
        case .via:
            return (condition.value == nil && !forwarding.via.isEmpty) || hasLine(condition, name, bytes)
        case .upgrade:
            return wantsWebSocket && condition.says(Self.webSocket)
        case .connection:
            return wantsWebSocket && condition.says(Self.upgrade)
        case .te:
            return acceptsTrailers && condition.says(Self.trailers)
        case .transferEncoding:
            return framing == .chunked && condition.says(Self.chunked)
        case .contentLength, .expect, .maxForwards:
            // Written anew, and about the message alone.
            return hasLine(condition, name, bytes)
        default:
            break
        }
        for index in 0..<fields.count {
            let line = fields[index]
            guard line.nameRange.count == condition.name.count,
                equalsIgnoringCase(bytes.extracting(line.nameRange.range), condition.name.span),
                passes(line, bytes, forwarding), condition.says(bytes.extracting(line.value.range))
            else { continue }
            return true
        }
        return false
    }

    private func hasLine(
        _ condition: borrowing FieldCondition, _ name: FieldName, _ bytes: Span<UInt8>
    ) -> Bool {
        for index in 0..<fields.count where fields[index].name == name {
            if condition.says(bytes.extracting(fields[index].value.range)) { return true }
        }
        return false
    }

    /// The whole list, as it is sent on.
    private func forwardedFor(_ bytes: Span<UInt8>, _ forwarding: Forwarding) -> [UInt8] {
        var list: [UInt8] = []
        if forwarding.isTrusted {
            for index in 0..<fields.count where fields[index].name == .xForwardedFor {
                for position in fields[index].value.range { list.append(bytes[position]) }
                if !fields[index].value.isEmpty { list += Self.comma }
            }
        }
        return list + forwarding.client
    }

    private static let comma = Array(", ".utf8)
    private static let http = Array("http".utf8)
    private static let https = Array("https".utf8)
    private static let webSocket = Array("websocket".utf8)
    private static let upgrade = Array("Upgrade".utf8)
    private static let trailers = Array("trailers".utf8)
    private static let chunked = Array("chunked".utf8)
}

extension FieldCondition {
    /// Whether a field with this value is what is asked for.
    fileprivate func says(_ text: Span<UInt8>) -> Bool {
        guard let value else { return true }
        guard value.count == text.count else { return false }
        for index in 0..<value.count where text[index] != value[index] { return false }
        return true
    }

    fileprivate func says(_ text: [UInt8]) -> Bool { value == nil || value == text }
}
