import Testing

@testable import AdminAPI

@Suite("Bodies of changes")
struct BodyTests {
    private func problem(_ body: String) -> BadRequest? {
        do {
            _ = try OverrideRequest.read(Array(body.utf8))
            return nil
        } catch {
            return error as? BadRequest
        }
    }

    @Test(
        "what is no JSON object is refused with the place where it goes wrong",
        arguments: [
            ("", "must be JSON with"), ("[]", "not a JSON object"), ("null", "not a JSON object"),
            (#"{"name":"eu""#, "ends too early"), (#"{"name":"eu"#, "ends too early"), ("{", "ends too early"),
            (#"{"name":"eu\"#, "ends too early"), (#"{"name":"\u00"#, "ends too early"),
            (#"{"name":"eu",}"#, "line 1, column 14: a name in quotes"),
            ("{\n \"name\": \"eu\"\n \"to\": 1}", "line 3, column 2: a comma or }"),
            (#"{"name" "eu"}"#, "line 1, column 9: a colon"), (#"{"name":eu}"#, "line 1, column 9: a value"),
            (#"{"name":"eu"} x"#, "line 1, column 15: nothing more"), (#"{'name':'eu'}"#, "column 2: a name in quotes"),
            ("{\"name\":\"a\nb\"}", "column 11: no control character"), (#"{"name":"\x"}"#, "column 11: an escape"),
            (#"{"name":"\ud800"}"#, "the second half of a pair"), (#"{"name":"\udc00"}"#, "the first half of a pair"),
            (#"{"name":"\ud800\u0041"}"#, "the second half of a pair"), (#"{"name":"\u12g4"}"#, "a hexadecimal digit"),
            (#"{"seconds":01}"#, "column 13: a comma or }"), (#"{"seconds":-}"#, "column 13: a digit"),
            (#"{"factor":1.}"#, "column 13: a digit"), (#"{"factor":1e}"#, "column 13: a digit"),
            ("\u{feff}{}", "not a JSON object"), ("{\u{0}}", "a name in quotes"),
            (#"{"name":\#(String(repeating: "[", count: 30_000))"#, "less depth"),
        ])
    func syntax(_ body: String, _ detail: String) {
        let found = problem(body)
        #expect(found?.detail.contains(detail) ?? false, "\(found?.detail ?? "accepted")")
        #expect(found?.field == nil)
    }

    @Test("bytes that are no UTF-8 are refused, also where another reader would take them for UTF-16")
    func encoding() {
        for bytes: [UInt8] in [[0x7b, 0x22, 0xff, 0x22], Array("{\"name\":\"a\"}".utf8).flatMap { [$0, 0] }] {
            #expect(throws: BadRequest.self) { try OverrideRequest.read(bytes) }
        }
    }

    @Test(
        "a field that is wrong is named",
        arguments: [
            (#"{"name":"eu","name":"us","verdict":"drain"}"#, "name: given twice", "name"),
            (#"{"name":"eu","n\u0061me":"us"}"#, "name: given twice", "name"),
            (#"{"name":"eu","seconds":"5"}"#, "a whole number is needed", "seconds"),
            (#"{"name":"eu","seconds":1e300}"#, "a whole number is needed, and not one that large", "seconds"),
            (#"{"name":"eu","seconds":1.5}"#, "a whole number is needed", "seconds"),
            (#"{"name":"eu","seconds":9223372036854775808}"#, "not one that large", "seconds"),
            (#"{"name":"eu","factor":1e999}"#, "the number is too large", "factor"),
            (#"{"name":"eu","factor":true}"#, "a number is needed", "factor"),
            (#"{"name":"eu","force":1}"#, "true or false is needed", "force"),
            (#"{"name":{"name":"eu"}}"#, "text in quotes is needed", "name"),
            (#"{"verdict":"drain"}"#, "it is needed", "name"), (#"{"name":null}"#, "it is needed", "name"),
            (#"{"name":"eu","raeson":1}"#, "no such field; there are name, verdict", "raeson"),
        ])
    func fields(_ body: String, _ detail: String, _ field: String) {
        let found = problem(body)
        #expect(found?.detail.contains(detail) ?? false, "\(found?.detail ?? "accepted")")
        #expect(found?.field == field)
    }

    @Test(
        "what takes an override back takes no field that only sets one",
        arguments: ["verdict", "to", "factor", "seconds"])
    func clearing(_ field: String) throws {
        let error = #expect(throws: BadRequest.self) {
            try OverrideClearing.read(Array(#"{"name":"eu","\#(field)":null}"#.utf8))
        }
        #expect(error?.field == field && error?.detail.contains("there are name, reason, force") ?? false)
        let whole = try OverrideClearing.read(Array(#"{"name":"eu","reason":"works","force":true}"#.utf8))
        #expect(whole.name == "eu" && whole.reason == "works" && whole.force == true)
    }

    @Test("of a list, each element is looked at")
    func lists() throws {
        let whole = try HTTPQuestion.read(Array(#"{"url":"u","client":"c","headers":["a: b",""]}"#.utf8))
        #expect(whole.headers == ["a: b", ""])
        let error = #expect(throws: BadRequest.self) {
            try HTTPQuestion.read(Array(#"{"url":"u","client":"c","headers":["a",1]}"#.utf8))
        }
        #expect(error?.detail == "headers: of each element: text in quotes is needed")
    }

    @Test("what JSON allows is read as it is meant")
    func accepted() throws {
        let body = """
             \t{ "name" : "\\u00e4\\ud83d\\ude00\\n\\"\\/", "verdict":"weight",\r\n "factor": -0.5E+1, "seconds": 30,
              "reason": null, "force": false } \n
            """
        let read = try OverrideRequest.read(Array(body.utf8))
        #expect(read.name == "ä😀\n\"/" && read.factor == -5 && read.seconds == 30)
        #expect(read.reason == nil && read.force == false && read.to == nil)
    }

    @Test("a problem names the header field that it is about")
    func headerFields() {
        #expect(BadRequest("If-Match: of overrides").field == "If-Match")
        #expect(BadRequest("no field: here").field == nil)
        #expect(BadRequest("nothing").field == nil)
    }
}
