import Testing
import TrafficModel

@testable import Balancing

/// A request as the table sees it.
struct Request: CustomStringConvertible {
    var host: String
    var path: String
    var method = "GET"
    var fields: [String: String] = [:]

    var description: String { "\(method) \(host)\(path) \(fields)" }

    func route(in table: RouteTable) -> Int? {
        let host = Array(host.utf8)
        let path = Array(path.utf8)
        let method = Array(method.utf8)
        return table.match(host: host.span, path: path.span, method: method.span) { condition in
            guard let value = fields[String(decoding: condition.name, as: UTF8.self)] else { return false }
            return condition.value.map { $0 == Array(value.utf8) } ?? true
        }
    }

    func explain(in table: RouteTable) -> [RouteMiss?] {
        let host = Array(host.utf8)
        let path = Array(path.utf8)
        let method = Array(method.utf8)
        return table.explain(host: host.span, path: path.span, method: method.span) { condition in
            guard let value = fields[String(decoding: condition.name, as: UTF8.self)] else { return false }
            return condition.value.map { $0 == Array(value.utf8) } ?? true
        }
    }

    /// The documented rule, read in order, with strings.
    func naiveRoute(in routes: [Route]) -> Int? {
        routes.firstIndex { route in
            let bare = host.hasSuffix(".") && host.count > 1 ? String(host.dropLast()) : host
            let hostHolds =
                route.hosts.isEmpty
                || route.hosts.contains { pattern in
                    guard pattern.hasPrefix("*.") else { return pattern == bare }
                    let suffix = pattern.dropFirst()
                    return bare.hasSuffix(suffix) && bare.count > suffix.count
                }
            let pathHolds =
                switch route.path {
                case nil: true
                case .exact(let whole): path == whole
                case .prefix(let text):
                    Self.segments(path).starts(
                        with: Self.segments(text.hasSuffix("/") ? String(text.dropLast()) : text))
                }
            return hostHolds && pathHolds && (route.methods.isEmpty || route.methods.contains(method))
                && route.fields.allSatisfy { field in
                    guard let value = fields[field.name.lowercased()] else { return false }
                    return field.value.map { $0 == value } ?? true
                }
        }
    }

    private static func segments(_ path: String) -> [Substring] {
        path.split(separator: "/", omittingEmptySubsequences: false)
    }
}

private func makeTable(_ routes: [Route]) -> RouteTable {
    RouteTable(routes, limiters: routes.map { _ in nil }, traffic: routes.map { _ in TrafficCounters() })
}

private func makeRoute(
    hosts: [String] = [], path: Route.Path? = nil, methods: [String] = [], fields: [Route.FieldMatch] = []
) -> Route {
    var route = Route(name: "r", action: .upstream(0))
    route.hosts = hosts
    route.path = path
    route.methods = methods
    route.fields = fields
    return route
}

@Suite("Routes")
struct RouteTableTests {
    @Test(
        "hosts",
        arguments: [
            (["a.example"], "a.example", true), (["a.example"], "a.example.", true),
            (["a.example"], "b.example", false),
            (["a.example"], "", false), ([], "", true), ([], "whatever", true), (["A.Example"], "a.example", true),
            (["*.example.com"], "a.example.com", true), (["*.example.com"], "a.b.example.com", true),
            (["*.example.com"], "example.com", false), (["*.example.com"], ".example.com", false),
            (["*.example.com"], "badexample.com", false), (["x", "y", "*.z"], "y", true),
            (["x", "y", "*.z"], "q.z", true),
            (["[::1]"], "[::1]", true), (["127.0.0.1"], "127.0.0.1", true), (["a"], ".", false),
        ])
    func hosts(hosts: [String], host: String, matches: Bool) {
        let table = makeTable([makeRoute(hosts: hosts)])
        #expect((Request(host: host, path: "/").route(in: table) == 0) == matches)
    }

    @Test(
        "paths",
        arguments: [
            (Route.Path.exact("/a"), "/a", true), (.exact("/a"), "/a/", false), (.exact("/a"), "/ab", false),
            (.exact("/a"), "/", false), (.prefix("/api"), "/api", true), (.prefix("/api"), "/api/", true),
            (.prefix("/api"), "/api/x", true), (.prefix("/api"), "/apix", false), (.prefix("/api"), "/ap", false),
            (.prefix("/api/"), "/api", true), (.prefix("/api/"), "/api/x", true), (.prefix("/api/"), "/apix", false),
            (.prefix("/"), "/", true), (.prefix("/"), "/x", true), (.prefix("/"), "*", false),
            (.prefix("/a/b"), "/a", false),
        ])
    func paths(path: Route.Path, requested: String, matches: Bool) {
        let table = makeTable([makeRoute(path: path)])
        #expect((Request(host: "h", path: requested).route(in: table) == 0) == matches)
    }

    @Test("methods are compared with case, fields without in their name and with in their value")
    func methodsAndFields() {
        let table = makeTable([
            makeRoute(methods: ["POST", "PUT"]), makeRoute(fields: [.init(name: "X-Canary", value: "Yes")]),
            makeRoute(fields: [.init(name: "X-Debug", value: nil), .init(name: "x-team", value: "a")]),
        ])
        #expect(Request(host: "h", path: "/", method: "PUT").route(in: table) == 0)
        #expect(Request(host: "h", path: "/", method: "put").route(in: table) == nil)
        #expect(Request(host: "h", path: "/", method: "PUTT").route(in: table) == nil)
        #expect(Request(host: "h", path: "/", fields: ["x-canary": "Yes"]).route(in: table) == 1)
        #expect(Request(host: "h", path: "/", fields: ["x-canary": "yes"]).route(in: table) == nil)
        #expect(Request(host: "h", path: "/", fields: ["x-debug": ""]).route(in: table) == nil)
        #expect(Request(host: "h", path: "/", fields: ["x-debug": "", "x-team": "a"]).route(in: table) == 2)
    }

    @Test("the order of the configuration decides, not how exact a host is")
    func order() {
        let table = makeTable([
            makeRoute(hosts: ["*.com"], path: .prefix("/first")), makeRoute(path: .prefix("/second")),
            makeRoute(hosts: ["a.example.com"]), makeRoute(hosts: ["*.example.com"]), makeRoute(),
        ])
        #expect(Request(host: "a.example.com", path: "/first").route(in: table) == 0)
        #expect(Request(host: "a.example.com", path: "/second").route(in: table) == 1)
        #expect(Request(host: "a.example.com", path: "/").route(in: table) == 2)
        #expect(Request(host: "b.example.com", path: "/").route(in: table) == 3)
        #expect(Request(host: "b.example.org", path: "/").route(in: table) == 4)
    }

    @Test("an empty table matches nothing")
    func empty() { #expect(Request(host: "h", path: "/").route(in: makeTable([])) == nil) }

    @Test("gives what reading in order gives, for random tables and requests", arguments: 0..<60)
    func againstNaive(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        func one<T>(of values: [T]) -> T { values[Int(random.next() % UInt64(values.count))] }
        func host() -> String {
            (0..<Int(random.next() % 4) + 1).map { _ in one(of: ["a", "b", "ab", "c"]) }.joined(separator: ".")
        }
        func path() -> String {
            "/" + (0..<Int(random.next() % 4)).map { _ in one(of: ["", "a", "b", "ab"]) }.joined(separator: "/")
        }
        let routes = (0..<Int(random.next() % 40)).map { _ in
            makeRoute(
                hosts: (0..<Int(random.next() % 4)).map { _ in (random.next() % 2 == 0 ? "*." : "") + host() },
                path: one(of: [nil, .exact(path()), .prefix(path()), .prefix(path())]),
                methods: one(of: [[], [], ["GET"], ["POST", "GET"], ["POST"]]),
                fields: one(of: [[], [], [.init(name: "X", value: nil)], [.init(name: "x", value: "1")]]))
        }
        let table = makeTable(routes)
        for _ in 0..<300 {
            let request = Request(
                host: one(of: ["", ".", host(), host() + ".", "." + host(), host()]),
                path: one(of: [path(), path(), "*"]),
                method: one(of: ["GET", "POST", "HEAD"]), fields: one(of: [[:], ["x": "1"], ["x": "2"]]))
            let match = request.route(in: table)
            #expect(match == request.naiveRoute(in: routes), "\(request)")
            let misses = request.explain(in: table)
            #expect(misses.count == match.map { $0 + 1 } ?? routes.count, "\(request)")
            #expect(misses.firstIndex { $0 == nil } == match, "\(request)")
        }
    }

    @Test("what a request lacks for a route is told, the first of it")
    func misses() {
        let table = makeTable([
            makeRoute(hosts: ["a"]), makeRoute(hosts: ["*.b", "c"], path: .exact("/x")),
            makeRoute(path: .prefix("/y"), methods: ["POST"]), makeRoute(path: .prefix("/y"), methods: ["GET"]),
            makeRoute(fields: [.init(name: "x", value: nil), .init(name: "z", value: "1")]),
            makeRoute(path: .prefix("/y")),
            makeRoute(),
        ])
        let request = Request(host: "c", path: "/y", method: "HEAD", fields: ["x": ""])
        #expect(request.explain(in: table) == [.host, .path, .method, .method, .field(1), nil])
    }

    @Test("thousands of hosts are found")
    func manyHosts() {
        let table = makeTable((0..<5_000).map { makeRoute(hosts: ["host\($0).example", "*.w\($0).example"]) })
        for index in stride(from: 0, to: 5_000, by: 7) {
            #expect(Request(host: "host\(index).example", path: "/").route(in: table) == index)
            #expect(Request(host: "x.y.w\(index).example", path: "/").route(in: table) == index)
            #expect(Request(host: "host\(index).example.org", path: "/").route(in: table) == nil)
        }
    }
}
