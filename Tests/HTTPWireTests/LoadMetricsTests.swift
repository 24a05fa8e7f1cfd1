import Testing

@testable import HTTPWire

@Suite("Load reports of servers")
struct LoadMetricsTests {
    @Test(
        "the numbers of a field",
        arguments: [
            ("TEXT cpu_utilization=0.3", ["cpu_utilization": 0.3]),
            (
                "TEXT cpu_utilization=0.3, rps_fractional = 10 ,\tnamed_metrics.connections=120",
                ["cpu_utilization": 0.3, "rps_fractional": 10, "named_metrics.connections": 120]
            ),
            ("TEXT a=1,a=2", ["a": 1]), ("TEXT a=1e3,b=x,c=-1", ["a": 1000]), ("TEXT a=inf,b=nan,c=0x10,d=5", ["d": 5]),
            ("TEXT =1,b=2", ["b": 2]), ("TEXT a=1e999,b=2", ["b": 2]), ("TEXT a=1e15,b=1.0000001e15", ["a": 1e15]),
            (
                #"JSON {"cpu_utilization": 0.25, "named_metrics": {"queue": 7}, "s": "x\"}", "l": [1, {"a": 2}], "t": true}"#,
                ["cpu_utilization": 0.25, "named_metrics.queue": 7]
            ),
        ])
    func field(text: String, values: [String: Double]) throws {
        #expect(try #require(LoadMetrics(field: text)).values == values)
    }

    @Test(
        "what is no report",
        arguments: [
            "", "TEXT", "TEXT ", "TEXTcpu=1", "TEXT cpu", "TEXT cpu=1,mem", "text cpu=1", "BIN AAAA", "cpu=1", "JSON",
            "JSON 5", "JSON []", "JSON {}", "JSON {\"a\":1", "JSON {\"a\":1} x", "JSON {a:1}", "JSON {\"a\":}",
            "JSON {\"a\":\"b\"}", "JSON {\"a\":1,}", "JSON {\"a\":tru}", "JSON {\"a\\",
            "JSON {\"a\":\"\u{1}\",\"b\":1}",
        ])
    func nothing(text: String) { #expect(LoadMetrics(field: text) == nil) }

    @Test("every part of a report that is cut off is none")
    func truncation() {
        let text = Array(#"{"a": 1.5, "b": {"c": [1, "x", null], "d": 2}} "#.utf8)
        for count in 0..<(text.count - 1) { #expect(LoadMetrics(json: Array(text[..<count])) == nil) }
        #expect(LoadMetrics(json: text)?.values == ["a": 1.5, "b.d": 2])
    }

    @Test("no deeper and no more than the limits")
    func limits() {
        func nested(_ depth: Int) -> String {
            String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth)
        }
        #expect(LoadMetrics(json: Array(nested(LoadMetrics.depthLimit).utf8)) != nil)
        #expect(LoadMetrics(json: Array(nested(LoadMetrics.depthLimit + 1).utf8)) == nil)
        for count in [LoadMetrics.limit, LoadMetrics.limit + 1] {
            let text = "TEXT " + (0..<count).map { "m\($0)=1" }.joined(separator: ",")
            #expect(LoadMetrics(field: text)?.values.count == LoadMetrics.limit)
        }
    }
}
