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
            ["--silent", "--include", "--max-time", "60", "--unix-socket", socket] + arguments + [
                "http://meridian\(path)"
            ]
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
        #expect(try curl("/v1/wide-ips/API.Example.COM").hasPrefix("HTTP/1.1 200 "))
        #expect(try curl("/v1/sla?name=API.EXAMPLE.COM").hasPrefix("HTTP/1.1 200 "))
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
        let result = try Program.run("/usr/bin/python3", ["-c", Self.prelude + Self.checker, socket])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.contains("operations checked"), "\(result.output)")
    }

    @Test("changes, dry runs and refusals are answered as the description says, with its headers")
    func describedChanges() throws {
        let file = program.folder.appending(path: "meridian.yaml").path
        let result = try Program.run("/usr/bin/python3", ["-c", Self.prelude + Self.changes, socket, file])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.contains("answers checked"), "\(result.output)")
    }

    /// Reads the description, whose schemas are closed so that a field that they do not name is found too.
    private static let prelude = """
        import http.client, json, socket, sys
        import jsonschema

        class Connection(http.client.HTTPConnection):
            def connect(self):
                self.sock = socket.socket(socket.AF_UNIX)
                self.sock.settimeout(60)
                self.sock.connect(sys.argv[1])

        def ask(method, path, body=None, **more):
            connection = Connection("meridian")
            headers = {"Accept": "application/json"} | {name.replace("_", "-"): value for name, value in more.items()}
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


        """

    /// Makes each change, dry and in earnest, and meets each refusal.
    private static let changes = """
        checked = 0
        def check(wanted, method, template, body=None, query="", field=None, place=None, **more):
            global checked
            status, headers, text = ask(method, (place or template) + query, body if body is None or isinstance(body, str)
                                        else json.dumps(body), **more)
            what = (method, place or template, query, body, status, text[:400])
            assert status == wanted, what
            operation = document["paths"][template][method.lower()]
            assert str(status) in operation["responses"], what
            response = operation["responses"][str(status)]
            if "$ref" in response: response = document["components"]["responses"][response["$ref"].split("/")[-1]]
            if text:
                content = response["content"][headers["Content-Type"].split(";")[0]]
                valid(json.loads(text), content["schema"])
            else:
                assert "content" not in response or status == 304, what
            for name in ["ETag", "Idempotency-Replayed"]:
                assert name not in headers or name in response.get("headers", {}), (name, what)
            if field: assert json.loads(text)["field"] == field, what
            checked += 1
            return headers, json.loads(text) if text else None

        kinds = "/v1/overrides/{kind}"
        region = {"place": "/v1/overrides/region"}
        drain = {"name": "eu", "verdict": "drain"}
        def parameter(path, method, name):
            return [each for each in document["paths"][path][method]["parameters"] if each["name"] == name][0]
        assert "region" in parameter(kinds, "put", "kind")["schema"]["enum"]
        assert parameter(kinds, "put", "dry_run")["schema"]["type"] == "boolean"
        assert parameter("/v1/members", "get", "limit")["schema"]["maximum"] == 1000

        headers, _ = check(200, "GET", "/v1/overrides")
        assert headers["ETag"]
        check(304, "GET", "/v1/overrides", If_None_Match=headers["ETag"])
        _, preview = check(200, "PUT", kinds, drain, query="?dry_run=true", **region)
        assert preview["movedNames"] > 0, preview
        assert check(200, "GET", "/v1/overrides")[1] == []
        first, _ = check(204, "PUT", kinds, drain, **region, Idempotency_Key="a")
        assert "Idempotency-Replayed" not in first
        again, _ = check(204, "PUT", kinds, drain, **region, Idempotency_Key="a")
        assert again["Idempotency-Replayed"] == "true"
        check(422, "PUT", kinds, {"name": "us", "verdict": "drain"}, **region, Idempotency_Key="a")
        check(412, "PUT", kinds, drain, **region, If_Match=headers["ETag"])
        check(400, "PUT", kinds, drain, **region, If_Match="x", field="If-Match")
        check(404, "PUT", kinds, {"name": "mars", "verdict": "drain"}, **region, field="name")
        check(404, "PUT", kinds, {"name": "eu", "verdict": "cutover", "to": "mars"}, **region, field="to")
        check(400, "PUT", kinds, drain, place="/v1/overrides/planet", field="kind")
        check(400, "PUT", kinds, '{"name":"eu","name":"us","verdict":"drain"}', **region, field="name")
        check(400, "PUT", kinds, drain | {"seconds": "5"}, **region, field="seconds")
        check(400, "PUT", kinds, drain, query="?dry_run=maybe", **region, field="dry_run")
        check(413, "PUT", kinds, " " * 70000, **region)
        check(403, "PUT", kinds, drain, **region, Origin="http://evil.example")
        check(415, "PUT", kinds, drain, **region, Origin="http://meridian")
        check(421, "PUT", kinds, drain, **region, Host="evil.example")
        check(409, "PUT", kinds, {"name": "*", "verdict": "disable"}, place="/v1/overrides/wide-ip")
        _, preview = check(200, "DELETE", kinds, {"name": "eu"}, query="?dry_run=true", **region)
        assert preview["movedNames"] > 0, preview
        check(400, "DELETE", kinds, {"name": "eu", "verdict": "drain"}, **region, field="verdict")
        _, outcome = check(200, "DELETE", kinds, {"name": "eu"}, **region)
        assert [each["verdict"] for each in outcome["cleared"]] == ["drain"] and outcome["held"] == [], outcome
        check(400, "POST", "/v1/reload", {"dry_run": True}, field="dry_run")

        windows, window = "/v1/windows/{name}", {"kind": "region", "name": "eu", "seconds": 60, "start": 4102444800000}
        check(200, "PUT", windows, window, query="?dry_run=true", place="/v1/windows/w")
        check(204, "PUT", windows, window, place="/v1/windows/w")
        check(409, "PUT", windows, window, place="/v1/windows/w")
        check(400, "PUT", windows, window | {"start": 1}, place="/v1/windows/v", field="start")
        check(400, "PUT", windows, window | {"kind": "planet"}, place="/v1/windows/v", field="kind")
        check(404, "PUT", windows, window | {"name": "mars"}, place="/v1/windows/v", field="name")
        assert "ETag" in check(200, "GET", "/v1/windows")[0]
        _, preview = check(200, "DELETE", windows, query="?dry_run=true", place="/v1/windows/w")
        assert "movedNames" in preview
        assert "movedNames" not in check(200, "DELETE", windows, place="/v1/windows/w")[1]
        check(404, "DELETE", windows, place="/v1/windows/w", field="name")

        shifts, shift = "/v1/shifts", {"from": "eu", "to": "us", "share": 0.1, "seconds": 900}
        _, preview = check(200, "POST", shifts, shift, query="?dry_run=true")
        assert preview["movedNames"] > 0, preview
        _, made = check(201, "POST", shifts, shift)
        check(409, "POST", shifts, shift)
        check(404, "POST", shifts, shift | {"to": "mars"}, field="to")
        assert "ETag" in check(200, "GET", shifts)[0]
        one = {"place": "/v1/shifts/%d" % made["id"]}
        assert "movedNames" in check(200, "DELETE", "/v1/shifts/{id}", query="?dry_run=true", **one)[1]
        assert check(200, "DELETE", "/v1/shifts/{id}", **one)[1]["id"] == made["id"]

        check(409, "POST", "/v1/virtual-servers/{name}/resume", place="/v1/virtual-servers/eu-1/resume")
        check(409, "POST", "/v1/session", {"token": "x"})
        check(200, "POST", "/v1/check")
        question = {"url": "http://a.test/", "client": "192.0.2.1", "listener": "front"}
        check(200, "POST", "/v1/explain/http", question)
        check(400, "POST", "/v1/explain/http", question | {"client": "x"}, field="client")
        check(400, "GET", "/v1/explain", query="?name=api.example.com", field="client")
        check(400, "GET", "/v1/explain/http", query="?url=http://a.test/&client=::1&header=x", field="header")
        check(400, "GET", "/v1/members", query="?state=bogus", field="state")
        check(400, "GET", "/v1/certificates", query="?state=down", field="state")
        check(200, "GET", "/v1/members", query="?state=down,available")
        assert "movedNames" in check(200, "POST", "/v1/reload", query="?dry_run=true")[1]
        assert check(200, "POST", "/v1/reload")[1]["applied"]
        with open(sys.argv[2]) as file: text = file.read()
        with open(sys.argv[2], "w") as file: file.write("regionz: {}\\n" + text)
        for query in ["?dry_run=true", ""]:
            headers, refused = check(422, "POST", "/v1/reload", query=query, field="/regionz")
            assert headers["Content-Type"] == "application/problem+json", headers
            assert not refused["applied"] and refused["generation"] == 2 and refused["status"] == 422, refused
            assert "regionz" in refused["detail"] and refused["diagnostics"][0]["line"] == 1, refused
        trail = check(200, "GET", "/v1/audit", query="?last=3")[1]
        assert [each["action"] for each in trail] == ["reload", "reload", "cancel-shift"], trail
        print(checked, "answers checked")
        """

    /// Asks for all that the description lists and holds the answers against its schemas.
    private static let checker = """
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
                good = min(int(code) for code in operation["responses"] if code != "default")
                if method != "get":
                    # Without a body, or for what is not there: it is refused, in the form that errors have.
                    status, headers, text = ask(method.upper(), place.replace("{", "").replace("}", ""))
                    assert status not in (404, 405) or "{" in path, (method, path, status)
                    if status >= 400: valid(json.loads(text), {"$ref": "#/components/schemas/Problem"})
                    assert str(status) in operation["responses"], (method, path, status)
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
