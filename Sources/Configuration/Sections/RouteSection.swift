internal import HTTPWire
internal import TrafficModel

/// `listeners.NAME.routes:`.
enum RouteSection {
    private static let freshRedirect = Route.Redirect(location: "")
    private static let freshResponse = Route.FixedResponse()

    static let name = Shape<String>.token("name").field("name", "In logs and metrics; `LISTENER-NUMBER` if absent.")
    static let host = Shape<[String]>.oneOrList(of: .hostPattern).field(
        "host", "One or a list; `*.example.com` is any name below. Every host if absent.")
    static let path = Shape<String>.requestPath.field(
        "path", "This path and all below it, by whole segments: `/api` is `/api` and `/api/x`, not `/apix`.")
    static let exactPath = Shape<String>.requestPath.field("exact_path", "Only this path.")
    static let methods = Shape<[String]>.oneOrList(of: .token("method")).field("methods", "Every method if absent.")
    static let headers = Shape<[Named<String>]>.map(key: "field name", of: headerValue).field(
        "headers", "Fields that must be there with these values; without a value: with any.")
    static let upstream = Shape<Int>.reference(.upstream).field("upstream", "Forward to this upstream.")
    static let redirect = redirectShape.field("redirect", "Answer with a redirection.")
    static let respond = respondShape.field("respond", "Answer with a fixed response.")
    static let rateLimit = rateShape.field("rate_limit", "Answer 429 beyond a rate.")

    static let model = ObjectModel(
        title: "listeners.NAME.routes[]",
        summary:
            "Which requests go where. All conditions that are given must hold; the first route that matches is taken.",
        fields: [
            name.description, host.description, path.description, exactPath.description, methods.description,
            headers.description, upstream.description, redirect.description, respond.description,
            rateLimit.description,
        ], exactlyOne: ["upstream", "redirect", "respond"], atMostOne: [["path", "exact_path"]])

    private static let headerValue = Shape<String>(
        .scalar(ScalarDescription(kind: "field value", type: .anyScalar))
    ) { node, context in
        // An empty text stands for "any value", which no field that matters has.
        node.isNull ? "" : Shape<String>.fieldValue("field value").read(node, context)
    }

    static let redirectStatus = Shape<Int>.integer(301...308).field(
        "status", default: freshRedirect.status, "301, 302, 303, 307 or 308.")
    static let location = Shape<String>.fieldValue("location").field(
        "location", required: true,
        "An absolute URI or a path; `{host}`, `{path}` and `{query}` stand for the request's own.")
    static let redirectModel = ObjectModel(
        title: "listeners.NAME.routes[].redirect", summary: "",
        fields: [redirectStatus.description, location.description])

    private static let redirectShape = Shape<Route.Redirect>(.object(redirectModel)) { node, context in
        guard let reader = ObjectReader(redirectModel, node, context) else { return nil }
        var redirect = Route.Redirect(location: reader.read(location, context) ?? "")
        redirect.status = reader.read(redirectStatus, context)
        if ![301, 302, 303, 307, 308].contains(redirect.status) {
            context.error(
                reader.position(of: "status"), "\(redirect.status) does not redirect",
                "write 301, 302, 303, 307 or 308")
        }
        checkLocation(redirect.location, at: reader.position(of: "location"), context)
        return redirect
    }

    private static func checkLocation(_ location: String, at position: Position, _ context: DecodingContext) {
        guard checkPlaceholders(location, at: position, context) else { return }
        // As some request would make it.
        let example = location.replacing("{host}", with: "a").replacing("{path}", with: "/").replacing(
            "{query}", with: "")
        guard example.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            return context.error(
                position, "the location \"\(location.shortened)\" has a blank or a character outside ASCII",
                "write it percent-encoded")
        }
        if example.hasPrefix("/") { return }
        let parts = example.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        let host = parts.count == 2 ? parts[1].prefix { !"/?#".contains($0) } : ""
        let scheme = parts[0].utf8
        guard scheme.first.map({ (97...122).contains($0 | 0x20) }) ?? false,
            scheme.allSatisfy({
                (97...122).contains($0 | 0x20) || (48...57).contains($0) || "+-.".utf8.contains($0)
            }), !host.isEmpty
        else {
            return context.error(
                position, "the location \"\(location.shortened)\" is neither an absolute URI nor a path",
                "write one like https://{host}{path}{query}, or a path that begins with /")
        }
    }

    /// - Returns: `false` after telling of one that is unknown.
    private static func checkPlaceholders(
        _ location: String, at position: Position, _ context: DecodingContext
    ) -> Bool {
        var rest = location[...]
        while let open = rest.firstIndex(of: "{") {
            let close = rest[open...].firstIndex(of: "}")
            let word = close.map { String(rest[rest.index(after: open)..<$0]) } ?? ""
            if !["host", "path", "query"].contains(word) {
                context.error(
                    position, "\"{\(word.shortened)}\" stands for nothing in a redirect's location",
                    Suggestion.nearest(to: word, in: ["host", "path", "query"]).map { "did you mean \"{\($0)}\"?" }
                        ?? "use {host}, {path} or {query}")
                return false
            }
            rest = rest[rest.index(after: close ?? open)...]
        }
        return true
    }

    static let status = Shape<Int>.integer(200...599).field(
        "status", default: freshResponse.status, "The status code.")
    static let contentType = Shape<String>.fieldValue("content type").field(
        "content_type", default: freshResponse.contentType, "The Content-Type field.")
    static let body = Shape<String>.text("text", limit: 65_536, allowsEmpty: true).field("body", "The content.")
    static let respondModel = ObjectModel(
        title: "listeners.NAME.routes[].respond", summary: "",
        fields: [status.description, contentType.description, body.description])

    private static let respondShape = Shape<Route.FixedResponse>(.object(respondModel)) { node, context in
        guard let reader = ObjectReader(respondModel, node, context) else { return nil }
        var response = Route.FixedResponse()
        response.status = reader.read(status, context)
        response.contentType = reader.read(contentType, context)
        response.body = reader.read(body, context) ?? ""
        // RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5.
        if [204, 205, 304].contains(response.status), !response.body.isEmpty {
            context.error(
                reader.position(of: "body"), "a response of status \(response.status) has no content",
                "leave the body out, or write another status")
        }
        return response
    }

    static let rate = Shape<Double>.rate.field("rate", required: true, "Requests in a time: `100/s`, `600/m`.")
    static let burst = Shape<Int>.integer(1...1_000_000).field(
        "burst", "How many may come at once after a pause; those of one second if absent.")
    static let per = Shape<Route.RateLimit.Key>.choice().field(
        "per", default: .client,
        "Whose requests are counted together; IPv6 clients by /64. Behind `trusted_proxies` clients are whom those name."
    )
    static let rateModel = ObjectModel(
        title: "listeners.NAME.routes[].rate_limit", summary: "",
        fields: [rate.description, burst.description, per.description])

    private static let rateShape = Shape<Route.RateLimit>(.object(rateModel)) { node, context in
        guard let reader = ObjectReader(rateModel, node, context) else { return nil }
        let value = reader.read(rate, context)
        let most = reader.read(burst, context)
        let key = reader.read(per, context)
        guard let value else { return nil }
        var limit = Route.RateLimit(rate: value, burst: most ?? max(1, Int(value.rounded(.up))))
        limit.key = key
        return limit
    }

    static let shape = Shape<[Located<Route>]>.list(of: route.located, minimum: 1)

    private static let route = Shape<Route>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var route = Route(name: reader.read(name, context) ?? "", action: .respond(Route.FixedResponse()))
        route.hosts = reader.read(host, context) ?? []
        route.path =
            reader.read(path, context).map { .prefix($0) } ?? reader.read(exactPath, context).map { .exact($0) }
        if let condition = route.path {
            checkPath(condition, at: reader.position(of: reader.has("path") ? "path" : "exact_path"), context)
        }
        route.methods = reader.read(methods, context) ?? []
        if !route.methods.isEmpty { checkMethods(route.methods, at: reader.position(of: "methods"), context) }
        route.fields = (reader.read(headers, context) ?? []).compactMap { header in
            if Shape<String>.token("field name").read(header.keyNode, context) == nil { return nil }
            return header.value.map { Route.FieldMatch(name: header.name, value: $0.isEmpty ? nil : $0) }
        }
        route.rateLimit = reader.read(rateLimit, context)
        let target = reader.read(upstream, context)
        let moved = reader.read(redirect, context)
        let fixed = reader.read(respond, context)
        if let target { route.action = .upstream(target) }
        if let moved { route.action = .redirect(moved) }
        if let fixed { route.action = .respond(fixed) }
        return route
    }
}

extension RouteSection {
    /// What requests never have, and what is refused before routes are looked at.
    private static func checkMethods(_ methods: [String], at position: Position, _ context: DecodingContext) {
        for method in methods {
            let known = method.uppercased()
            if ["CONNECT", "TRACE"].contains(known) {
                context.error(position, "requests with \(known) are refused before routes are looked at", "remove it")
            } else if method != known,
                ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(known)
            {
                context.error(
                    position, "the method \"\(method)\" is not \(known): methods have their letters' case",
                    "write \(known)")
            }
        }
    }

    /// Routes are matched without the query and with the path's normal form, so that a condition on anything else would
    /// never hold.
    private static func checkPath(_ path: Route.Path, at position: Position, _ context: DecodingContext) {
        let text =
            switch path {
            case .exact(let text), .prefix(let text): text
            }
        guard !text.contains("?") else {
            return context.error(
                position, "the path \"\(text.shortened)\" has a query", "leave it out: only paths are compared")
        }
        let bytes = Array(text.utf8)
        for index in bytes.indices where bytes[index] == UInt8(ascii: "%") {
            let digits = bytes[(index + 1)...].prefix(2)
            guard digits.count == 2, digits.allSatisfy({ isHexadecimal($0) }), digits != [48, 48] else {
                return context.error(
                    position, "requests for a path like \"\(text.shortened)\" are refused",
                    "write a percent sign as %25")
            }
        }
        var normal: [UInt8] = []
        guard PathNormaliser.append(bytes.span, to: &normal), !bytes.contains(UInt8(ascii: "\\")) else {
            return context.error(
                position, "requests for a path like \"\(text.shortened)\" are refused",
                "write the path as it is when .. is followed, with %5C for a backslash")
        }
        guard normal != bytes else { return }
        context.error(
            position, "no path is ever \"\(text.shortened)\": they are normalised before they are compared",
            "write \(String(decoding: normal, as: UTF8.self).shortened)")
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...102).contains(byte | 0x20)
    }
}

extension Named {
    /// The name as a value, to read it with a shape.
    var keyNode: SourceNode { SourceNode(content: .scalar(name, isPlain: false), position: position) }
}

extension Shape where Value == String {
    /// A host of requests in lower case, or `*.` and one.
    static var hostPattern: Shape {
        scalar(ScalarDescription(kind: "host"), text: { $0 }) { text, position, context in
            let lowered = text.lowercased()
            let name = lowered.hasPrefix("*.") ? String(lowered.dropFirst(2)) : lowered
            guard !name.isEmpty, name.utf8.count <= 253,
                name.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || "-._[]:".utf8.contains($0) }
                )
            else {
                context.error(
                    position, "\"\(text.shortened)\" is not a host", "write api.example.com or *.example.com")
                return nil
            }
            if name.contains(":"), !name.hasPrefix("[") || !name.hasSuffix("]") {
                context.error(
                    position, "the host \"\(text.shortened)\" has a port",
                    "leave it out: hosts are compared without port")
                return nil
            }
            return lowered.hasSuffix(".") ? String(lowered.dropLast()) : lowered
        }
    }
}

extension Shape where Value == Double {
    /// Events a second, written as `100/s`, `600/m` or `3600/h`.
    static var rate: Shape {
        scalar(
            ScalarDescription(kind: "rate", range: "1/h to 1000000/s", pattern: "^[0-9]+/[smh]$")
        ) { text, position, context in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            let seconds: Double? =
                switch parts.last {
                case "s": 1
                case "m": 60
                case "h": 3600
                default: nil
                }
            guard parts.count == 2, Units.isNumber(String(parts[0])), let count = Double(parts[0]), let seconds else {
                context.error(
                    position, "\"\(text.shortened)\" is not a rate with a unit",
                    Units.isNumber(text) ? "write \(text)/s or \(text)/m" : "write 100/s, 600/m or 3600/h")
                return nil
            }
            guard count >= 1, count / seconds <= 1_000_000 else {
                context.error(position, "\(text) is out of range", "write 1/h to 1000000/s")
                return nil
            }
            return count / seconds
        }
    }
}
