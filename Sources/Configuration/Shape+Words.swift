internal import Addresses
internal import DNSWire

extension Shape where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
    /// One of the words of an enumeration.
    static func choice(_ type: Value.Type = Value.self) -> Shape {
        let words = Value.allCases.map(\.rawValue)
        return scalar(
            ScalarDescription(kind: "word", range: words.joined(separator: ", "), words: words), text: { $0.rawValue }
        ) { text, position, context in
            if let value = Value(rawValue: text) { return value }
            context.error(
                position, "\"\(text.shortened)\" is not one of \(words.joined(separator: ", "))",
                Suggestion.nearest(to: text, in: words).map { "did you mean \"\($0)\"?" } ?? "write one of these")
            return nil
        }
    }
}

extension Shape where Value == DomainName {
    static var domainName: Shape {
        scalar(ScalarDescription(kind: "domain name")) { text, position, context in
            do throws(NameTextError) {
                let name = try DomainName.parse(Array(text.utf8)[...], relativeTo: .root)
                guard name != .root else {
                    context.error(position, "the root is not a name to serve", "write one like www.example.com")
                    return nil
                }
                guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
                    context.error(
                        position, "\"\(text.shortened)\" has a blank or a letter outside ASCII",
                        "write international names in their xn-- form")
                    return nil
                }
                return name
            } catch {
                context.error(position, "\"\(text.shortened)\" is not a domain name", "\(error)")
                return nil
            }
        }
    }
}

extension Shape where Value == Endpoint {
    static var endpoint: Shape {
        scalar(ScalarDescription(kind: "address:port")) { text, position, context in
            if let value = Endpoint(text), value.port > 0 { return value }
            let advice: String
            let host = String(text[..<(text.lastIndex(of: ":") ?? text.startIndex)])
            if case .v6? = IPAddress(text), IPAddress(host) != nil {
                advice = "put the address in brackets: \"[\(host)]\(text.dropFirst(host.count))\" or \"[\(text)]:443\""
            } else if let address = IPAddress(text) {
                advice = "add the port: \(Endpoint(address: address, port: 443))"
            } else if text.filter({ $0 == ":" }).count > 1, !text.hasPrefix("[") {
                advice = "put an IPv6 address in brackets: \"[2001:db8::1]:443\""
            } else if text.hasSuffix(":0") {
                advice = "write a port of 1 to 65535"
            } else {
                advice = "write an address and a port: 192.0.2.1:443 or \"[2001:db8::1]:443\""
            }
            context.error(position, "\"\(text.shortened)\" is not an address and a port", advice)
            return nil
        }
    }
}

extension Shape where Value == IPPrefix {
    static var prefix: Shape {
        scalar(ScalarDescription(kind: "network")) { text, position, context in
            if let value = IPPrefix(text) { return value }
            var advice = "write one like 192.0.2.0/24 or 2001:db8::/32"
            let parts = text.split(separator: "/")
            if parts.count == 2, let address = IPAddress(String(parts[0])), let length = Int(parts[1]),
                let cut = IPPrefix(address, length: length)
            {
                advice = "bits past the length must be zero: did you mean \(cut)?"
            }
            context.error(position, "\"\(text.shortened)\" is not a network", advice)
            return nil
        }
    }
}
