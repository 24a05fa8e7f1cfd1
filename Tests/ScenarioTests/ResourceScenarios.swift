import Foundation
import Testing

/// A node with something of everything, asked through its admin socket.
@Suite("What the admin API tells and takes")
struct ResourceScenarios {
    private let program: Program
    private let socket: String
    private let yaml: String

    init() throws {
        let (port, web, member) = (try freePort(), try freePort(), try freePort())
        socket = "/tmp/meridian-\(port).sock"
        yaml =
            NameServerScenarios.configuration(port: port) + """

                monitors: { alive: { tcp: {}, interval: 1s, timeout: 500ms, rise: 1, fall: 1 } }
                upstreams: { web: { members: ["127.0.0.1:\(member)", "127.0.0.1:\(try freePort())"], monitors: [alive] } }
                listeners: { front: { address: "127.0.0.1:\(web)", upstream: web } }
                proxy: { access_log: "off" }
                admin: { socket: \(socket), state: state.db }
                """
        program = try Program(yaml)
    }

    private func curl(_ path: String, _ arguments: String...) throws -> String {
        try Program.run(
            "curl",
            ["--silent", "--include", "--max-time", "10", "--unix-socket", socket] + arguments + ["http://m\(path)"]
        ).output
    }

    private func body(_ answer: String) -> String { answer.components(separatedBy: "\r\n\r\n").last ?? "" }

    private func field(_ name: String, of answer: String) -> String? {
        answer.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name.lowercased() + ": ") }
            .map { String($0.dropFirst(name.count + 2)) }
    }

    @Test("lists are searched, filtered and paged, and a single thing has its history")
    func lists() throws {
        try wait(for: "the members to fall") {
            try curl("/v1/members?state=down").contains(#""total":2"#)
        }
        #expect(body(try curl("/v1/pools?search=E&limit=1")).contains(#""name":"eu""#))
        let page = body(try curl("/v1/members?limit=1&offset=1"))
        #expect(page.contains(#""offset":1"#) && page.contains(#""total":2"#))
        #expect(page.components(separatedBy: #""endpoint":"#).count == 2)
        let members = body(try curl("/v1/upstreams/web/members"))
        #expect(members.contains("alive") && members.contains("connection refused"), "\(members)")
        let name = try #require(members.components(separatedBy: #""endpoint":""#).last?.prefix { $0 != "\"" })
        let member = body(try curl("/v1/upstreams/web/members/\(name.replacingOccurrences(of: ":", with: "%3A"))"))
        #expect(member.contains(#""from":"available""#) && member.contains(#""history":["#), "\(member)")
        #expect(try curl("/v1/monitors/alive/\(name)").contains(#""state":"down""#))
        #expect(try curl("/v1/upstreams/none/members").hasPrefix("HTTP/1.1 404 "))
        #expect(try curl("/v1/pools/%ff").hasPrefix("HTTP/1.1 404 "))
        #expect(try curl("/v1/pools?limit=0").contains("limit: a number from 1 to 1000"))
        #expect(try curl("/v1/pools?serach=a").contains("serach: no such query parameter"))
        #expect(try curl("/v1/node").contains(#""member":{"down":2}"#))
    }

    @Test("the configuration's file is checked without being applied")
    func check() throws {
        #expect(try curl("/v1/check", "-X", "POST").contains(#""isValid":true"#))
        try program.replaceConfiguration("regionz: {}\n" + yaml)
        let checked = body(try curl("/v1/check", "-X", "POST"))
        #expect(checked.contains(#""isValid":false"#) && checked.contains(#""line":1"#))
        #expect(checked.contains(#""generation":1"#))
        #expect(try curl("/v1/configuration").contains(#""isValid":true"#))
    }

    @Test("who changes what he has not seen is refused, and nothing is changed")
    func tags() throws {
        let first = try curl("/v1/overrides")
        let tag = try #require(field("ETag", of: first))
        #expect(try curl("/v1/overrides", "--header", "If-None-Match: \(tag)").hasPrefix("HTTP/1.1 304 "))
        func drain(_ region: String, _ tag: String) throws -> String {
            try curl(
                "/v1/overrides/region", "-X", "PUT", "--header", "If-Match: \(tag)", "--data",
                #"{"name":"\#(region)","verdict":"drain"}"#)
        }
        #expect(try drain("eu", tag).hasPrefix("HTTP/1.1 204 "))
        let stale = try drain("us", tag)
        #expect(stale.hasPrefix("HTTP/1.1 412 "), "\(stale)")
        #expect(stale.contains("application/problem+json") && stale.contains("the overrides were changed since"))
        let now = try #require(field("ETag", of: try curl("/v1/overrides")))
        #expect(now != tag)
        #expect(try !curl("/v1/overrides").contains(#""name":"us""#))
        #expect(try drain("eu", "\"1\", \(now)").hasPrefix("HTTP/1.1 204 "))
        #expect(try drain("eu", "nonsense").hasPrefix("HTTP/1.1 400 "))
        #expect(try curl("/v1/reload", "-X", "POST", "--header", "If-Match: \"1\"").hasPrefix("HTTP/1.1 400 "))
        let windows = try #require(field("ETag", of: try curl("/v1/windows")))
        #expect(try drain("eu", "*").hasPrefix("HTTP/1.1 204 "))
        #expect(field("ETag", of: try curl("/v1/windows")) == windows, "an override is no window")
        #expect(try curl("/v1/status").contains(#""staleTags":1"#))
    }

    @Test("a change that is sent again with its key is made once")
    func keys() throws {
        func start(_ key: String, share: String = "0.1") throws -> String {
            try curl(
                "/v1/shifts", "-X", "POST", "--header", "Idempotency-Key: \(key)", "--data",
                #"{"from":"eu","to":"us","share":\#(share),"seconds":900}"#)
        }
        let first = try start("k1")
        #expect(first.hasPrefix("HTTP/1.1 201 ") && field("Idempotency-Replayed", of: first) == nil)
        let again = try start("k1")
        #expect(again.hasPrefix("HTTP/1.1 201 ") && field("Idempotency-Replayed", of: again) == "true")
        #expect(body(again) == body(first))
        let other = try start("k1", share: "0.2")
        #expect(other.hasPrefix("HTTP/1.1 422 ") && other.contains("given to another request"))
        #expect(try start("k2").hasPrefix("HTTP/1.1 409 "), "a new key is a new request")
        #expect(try start(String(repeating: "k", count: 129)).hasPrefix("HTTP/1.1 400 "))
        #expect(try curl("/v1/shifts").components(separatedBy: #""id":"#).count == 2)
        let status = try curl("/v1/status")
        #expect(status.contains(#""replays":1"#) && status.contains(#""replayConflicts":1"#))
    }

    @Test("the description is true: every path answers, in the form that it says, and no other method does")
    func description() throws {
        let result = try Program.run("/usr/bin/python3", ["-c", Self.checker, socket])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.contains("operations checked"), "\(result.output)")
    }

    /// Asks for all that the description lists and holds the answers against its schemas, closed so that a field that
    /// it does not name is found too.
    private static let checker = """
        import http.client, json, socket, sys
        import jsonschema

        class Connection(http.client.HTTPConnection):
            def connect(self):
                self.sock = socket.socket(socket.AF_UNIX)
                self.sock.settimeout(10)
                self.sock.connect(sys.argv[1])

        def ask(method, path, body=None):
            connection = Connection("m")
            headers = {"Accept": "application/json"}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

        def close(schema):
            if isinstance(schema, dict):
                if schema.get("type") == "object" and "properties" in schema:
                    schema.setdefault("additionalProperties", False)
                for value in schema.values(): close(value)
            elif isinstance(schema, list):
                for value in schema: close(value)

        status, headers, text = ask("GET", "/v1/openapi.json")
        assert status == 200, status
        document = json.loads(text)
        assert document["openapi"] == "3.1.0"
        close(document["components"]["schemas"])
        def valid(value, schema):
            jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(value)

        names = json.loads(ask("GET", "/v1/members")[2])["items"]
        samples = {
            "/v1/wide-ips/{name}": json.loads(ask("GET", "/v1/wide-ips")[2])["items"][0]["name"],
            "/v1/pools/{name}": "eu", "/v1/regions/{name}": "eu", "/v1/upstreams/{name}": "web",
            "/v1/virtual-servers/{name}": json.loads(ask("GET", "/v1/virtual-servers")[2])["items"][0]["name"],
            "/v1/upstreams/{name}/members": "web",
        }
        endpoint = names[0]["endpoint"]
        identifiers, checked = set(), 0
        for path, operations in document["paths"].items():
            place = path.replace("{endpoint}", endpoint)
            if path in samples: place = place.replace("{name}", samples[path])
            elif path == "/v1/monitors/{name}/{endpoint}": place = place.replace("{name}", "alive")
            elif "members/" in path: place = place.replace("{name}", "web")
            for method in ["GET", "PUT", "POST", "DELETE", "PATCH"]:
                if method.lower() in operations: continue
                status, headers, text = ask(method, place.replace("{", "").replace("}", ""))
                assert status == 405, (method, path, status)
                assert headers["Content-Type"] == "application/problem+json", path
                allowed = headers["Allow"].split(", ")
                assert set(allowed) - {"HEAD"} == {name.upper() for name in operations}, (path, allowed)
            for method, operation in operations.items():
                assert operation["operationId"] not in identifiers, operation["operationId"]
                identifiers.add(operation["operationId"])
                good = [int(code) for code in operation["responses"] if code != "default"][0]
                if method != "get":
                    # Without a body, or for what is not there: it is refused, in the form that errors have.
                    status, headers, text = ask(method.upper(), place.replace("{", "").replace("}", ""))
                    assert status not in (404, 405) or "{" in path, (method, path, status)
                    if status >= 400: valid(json.loads(text), {"$ref": "#/components/schemas/Problem"})
                    checked += 1
                    continue
                query = {"/v1/explain": "?name=api.example.com&client=192.0.2.1",
                         "/v1/explain/http": "?url=http://a.test/&client=192.0.2.1&listener=front"}.get(path, "")
                status, headers, text = ask("GET", place + query)
                if path == "/v1/explain/http" and status == 400: raise AssertionError(text)
                assert status == good, (path, status, text[:300])
                content = operation["responses"][str(good)].get("content", {})
                kind = headers["Content-Type"].split(";")[0]
                assert kind in content, (path, kind)
                if "schema" in content[kind]: valid(json.loads(text), content[kind]["schema"])
                checked += 1
        for path in ["/v1", "/v1/", "/v2/status", "/v1/pools/eu/x", "/v1/Status"]:
            status, headers, text = ask("GET", path)
            assert status == 404, (path, status)
            valid(json.loads(text), {"$ref": "#/components/schemas/Problem"})
        print(checked, "operations checked")
        """
}
