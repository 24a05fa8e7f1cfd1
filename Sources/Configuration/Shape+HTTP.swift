internal import Addresses

extension Shape where Value == String {
    /// RFC 9110 section 5.6.2: methods and field names.
    static func token(_ kind: String) -> Shape {
        let limit = 64
        return scalar(ScalarDescription(kind: kind, pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"), text: { $0 }) {
            text, position, context in
            let allowed = text.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0 & 0xdf) || "!#$%&'*+-.^_`|~".utf8.contains($0)
            }
            guard allowed, !text.isEmpty, text.utf8.count <= limit else {
                context.error(
                    position, "\"\(text.shortened)\" is not a \(kind)",
                    "write up to \(limit) letters, digits and hyphens")
                return nil
            }
            return text
        }
    }

    /// A path that begins with `/`, without blanks and fragment.
    static var requestPath: Shape {
        scalar(ScalarDescription(kind: "path", pattern: "^/"), text: { $0 }) { text, position, context in
            guard text.hasPrefix("/") else {
                context.error(
                    position, "the path \"\(text.shortened)\" does not begin with /", "write /\(text.shortened)")
                return nil
            }
            guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") }), text.utf8.count <= 4096
            else {
                context.error(
                    position, "the path has a blank, a # or a character outside ASCII", "write it percent-encoded")
                return nil
            }
            return text
        }
    }

    /// Visible ASCII without blanks: a host, a server name.
    static func fieldText(_ kind: String) -> Shape {
        scalar(ScalarDescription(kind: kind), text: { $0 }) { text, position, context in
            guard !text.isEmpty, text.utf8.count <= 255, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
                context.error(
                    position, "\"\(text.shortened)\" is not a \(kind)", "write one like api.example.com")
                return nil
            }
            return text
        }
    }

    /// What a certificate can be for: a host name, or an address (RFC 6125 section 6.5: no wildcard).
    static var serverName: Shape {
        scalar(ScalarDescription(kind: "server name"), text: { $0 }) { text, position, context in
            if IPAddress(text) != nil { return text }
            if text.contains("*") {
                context.error(
                    position, "the server name \"\(text.shortened)\" has a wildcard",
                    "write one of the names that the members' certificates stand for")
                return nil
            }
            let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            guard text.utf8.count <= 253,
                labels.allSatisfy({ label in
                    (1...63).contains(label.count)
                        && label.allSatisfy {
                            (97...122).contains($0 | 0x20) || (48...57).contains($0) || "-_".utf8.contains($0)
                        }
                })
            else {
                context.error(
                    position, "\"\(text.shortened)\" is not a server name",
                    "write one like api.example.com, without port")
                return nil
            }
            return text
        }
    }

    /// A field's value, without line ends.
    static func fieldValue(_ kind: String) -> Shape {
        scalar(ScalarDescription(kind: kind), text: { $0 }) { text, position, context in
            guard text.utf8.count <= 4096, text.utf8.allSatisfy({ ($0 >= 0x20 && $0 != 0x7f) || $0 == 0x09 }) else {
                context.error(position, "the \(kind) has a control character", "keep it on one line")
                return nil
            }
            return text
        }
    }
}

extension Shape where Value == ClosedRange<Int> {
    static var statusRange: Shape {
        scalar(
            ScalarDescription(
                kind: "status code or range", range: "100 to 599", pattern: "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$",
                type: .stringOrInteger),
            text: { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
        ) { text, position, context in
            let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { part in
                Units.isNumber(String(part)) ? Int(part) ?? -1 : -1
            }
            guard (1...2).contains(parts.count), let first = parts.first, let last = parts.last, first <= last,
                first >= 100, last <= 599
            else {
                context.error(
                    position, "\"\(text.shortened)\" is not a status code or range", "write 200 or 200-399")
                return nil
            }
            return first...last
        }
    }
}
