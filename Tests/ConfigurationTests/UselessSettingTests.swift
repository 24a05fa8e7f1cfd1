import Testing

/// What could be written down but never do anything: each has one line that says where and what to do.
@Suite("Settings that can never work")
struct UselessSettingTests {
    struct Case: CustomTestStringConvertible {
        /// Of a route, or with `tls` of an upstream.
        let text: String
        /// Where the line points to.
        let place: String
        /// Without the position; `nil`: nothing is wrong.
        let expected: String?

        var testDescription: String { text }
    }

    private static let normalised = "they are normalised before they are compared; write "

    private static func path(_ path: String, _ normal: String) -> Case {
        Case(
            text: "path: \"\(path)\", respond: {}", place: "\"\(path)\"",
            expected: "no path is ever \"\(path)\": \(normalised)\(normal)")
    }

    private static func refused(_ path: String, _ advice: String) -> Case {
        Case(
            text: "exact_path: '\(path)', respond: {}", place: "'\(path)'",
            expected: "requests for a path like \"\(path)\" are refused; \(advice)")
    }

    private static let percent = "write a percent sign as %25"
    private static let climbing = "write the path as it is when .. is followed, with %5C for a backslash"

    private static let paths: [Case] = [
        path("/a%2fb", "/a%2Fb"), path("/%61", "/a"), path("/a//b", "/a/b"), path("//", "/"), path("/a/../b", "/b"),
        path("/a/.", "/a/"), path("/a/%2e", "/a/"), refused("/..", climbing), refused("/a\\b", climbing),
        refused("/a%zz", percent), refused("/a%2", percent), refused("/a%", percent), refused("/a%00", percent),
        Case(
            text: "methods: get, respond: {}", place: "get,",
            expected: "the method \"get\" is not GET: methods have their letters' case; write GET"),
        Case(
            text: "methods: [GET, TRACE], respond: {}", place: "[GET",
            expected: "requests with TRACE are refused before routes are looked at; remove it"),
    ]

    private static let fine: [Case] = [
        "path: /, respond: {}", "path: /a/, respond: {}", "exact_path: /a%2Fb%20c, respond: {}",
        "path: /.well-known, respond: {}", "path: \"/~x/a.b;c=d\", respond: {}", "methods: [PURGE, x-y], respond: {}",
        "redirect: { location: \"{path}\" }", "redirect: { location: \"https://{host}{path}{query}\" }",
        "redirect: { location: /x }", "redirect: { location: \"app+x://open?{query}\" }",
        "redirect: { location: \"http://{host}:8080/\" }", "respond: { status: 205 }",
        "respond: { status: 200, body: hi }",
    ].map { Case(text: $0, place: "", expected: nil) }

    private static let locations: [Case] = [
        "javascript:alert(1)", "x", "https:///x", "https://", "{host}{path}", "{query}", "://a/", "", "1a://b/",
        "https://?x",
    ].map {
        Case(
            text: "redirect: { location: \"\($0)\" }", place: "\"\($0)\"",
            expected: "the location \"\($0)\" is neither an absolute URI nor a path; "
                + "write one like https://{host}{path}{query}, or a path that begins with /")
    }

    private static let odd: [Case] = ["/a b", "/ä", "https://a/\u{a0}"].map {
        Case(
            text: "redirect: { location: \"\($0)\" }", place: "\"\($0)\"",
            expected: "the location \"\($0)\" has a blank or a character outside ASCII; write it percent-encoded")
    }

    private static let contents: [Case] = [204, 205, 304].map {
        Case(
            text: "respond: { status: \($0), body: hi }", place: "hi }",
            expected: "a response of status \($0) has no content; leave the body out, or write another status")
    }

    @Test("of routes", arguments: paths + fine + locations + odd + contents)
    func routes(_ item: Case) {
        check("listeners: { a: { address: \"127.0.0.1:1\", routes: [{ \(item.text) }] } }", item)
    }

    private static let names: [Case] = [
        (
            "*.w.test",
            "the server name \"*.w.test\" has a wildcard; write one of the names that the members' "
                + "certificates stand for"
        ),
        ("a.test:1", "\"a.test:1\" is not a server name; write one like api.example.com, without port"),
        ("a..test", "\"a..test\" is not a server name; write one like api.example.com, without port"),
        ("a.test.", "\"a.test.\" is not a server name; write one like api.example.com, without port"),
        ("[::1]", "\"[::1]\" is not a server name; write one like api.example.com, without port"),
        ("a.test", nil), ("my_app", nil), ("192.0.2.1", nil), ("2001:db8::1", nil),
    ].map { Case(text: $0.0, place: "\"\($0.0)\"", expected: $0.1) }

    @Test("of members", arguments: names)
    func serverName(_ item: Case) {
        check(
            "upstreams: { a: { members: [\"127.0.0.1:1\"], tls: { authority: ca, server_name: \"\(item.text)\" } } }\n"
                + "listeners: { l: { address: \"127.0.0.1:2\", upstream: a } }", item)
    }

    private func check(_ text: String, _ item: Case) {
        guard let expected = item.expected else {
            #expect(messages(text) == [])
            return
        }
        let place = text.firstRange(of: item.place)
        let column = place.map { text.distance(from: text.startIndex, to: $0.lowerBound) + 1 } ?? 0
        #expect(messages(text) == ["f:1:\(column): \(expected)"])
    }
}
