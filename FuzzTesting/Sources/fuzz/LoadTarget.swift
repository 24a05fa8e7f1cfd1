import HTTPWire

/// Load reports of servers, as a field's value and as a JSON body.
final class LoadTarget: FuzzTarget {
    static let name = "load"

    init() {}

    func run(_ input: Span<UInt8>) {
        let bytes = input.array()
        check(LoadMetrics(json: bytes))
        let text = String(decoding: bytes, as: UTF8.self)
        check(LoadMetrics(field: text))
        check(LoadMetrics(field: "JSON " + text))
    }

    private func check(_ metrics: LoadMetrics?) {
        guard let metrics else { return }
        require(!metrics.values.isEmpty && metrics.values.count <= LoadMetrics.limit, "some, and not for ever")
        require(
            metrics.values.values.allSatisfy { (0...LoadMetrics.largest).contains($0) }, "numbers that can be compared")
    }

    static var seeds: [[UInt8]] {
        [
            "TEXT cpu_utilization=0.3, rps_fractional=10.0, named_metrics.connections=1e2",
            #"{"cpu_utilization": 0.3, "named_metrics": {"queue": 7, "x": [1, {"a": null}]}, "s": "\"\\", "t": true}"#,
        ].map { Array($0.utf8) }
    }

    static let words: [[UInt8]] = [
        "TEXT ", "JSON ", "cpu_utilization", "named_metrics", "{\"a\":", "[", "]", "}", "\\", "\"", "true", "false",
        "null", "1e308", "-1", "=", ",",
    ].map { Array($0.utf8) }
}
