import Telemetry
import Testing

@Suite("Metrics as Prometheus reads them")
struct MetricsWriterTests {
    static let requests = MetricFamily("demo_requests_total", .counter, ["class"], "Requests.")
    static let seconds = MetricFamily("demo_seconds", .histogram, [], "Time.")

    private func text(_ format: MetricsWriter.Format, _ write: (inout MetricsWriter) -> Void) -> String {
        var writer = MetricsWriter(format)
        write(&writer)
        writer.finish()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test("a counter is told by its name in plain text, and without its end in OpenMetrics")
    func counters() {
        let write = { (writer: inout MetricsWriter) in
            writer.begin(Self.requests)
            writer.sample(MetricLabels("listener", "web"), "class", "2xx", 7)
        }
        #expect(
            text(.text, write) == """
                # HELP demo_requests_total Requests.
                # TYPE demo_requests_total counter
                demo_requests_total{listener="web",class="2xx"} 7

                """)
        #expect(
            text(.openMetrics, write) == """
                # HELP demo_requests Requests.
                # TYPE demo_requests counter
                demo_requests_total{listener="web",class="2xx"} 7
                # EOF

                """)
    }

    @Test("a histogram adds up from step to step, and ends with what is above all")
    func histograms() {
        let result = text(.text) { writer in
            writer.begin(Self.seconds)
            writer.histogram(
                MetricLabels(), bounds: [1_000_000, 2_000_000_000], counts: [2, 3, 1], nanoseconds: 5_500_000_000)
        }
        #expect(
            result == """
                # HELP demo_seconds Time.
                # TYPE demo_seconds histogram
                demo_seconds_bucket{le="0.001"} 2
                demo_seconds_bucket{le="2.0"} 5
                demo_seconds_bucket{le="+Inf"} 6
                demo_seconds_sum 5.5
                demo_seconds_count 6

                """)
    }

    @Test(
        "what stands in a label cannot end it",
        arguments: [
            ("plain", "plain"), ("a\"b", "a\\\"b"), ("a\\b", "a\\\\b"), ("a\nb", "a\\nb"), ("é", "é"), ("", ""),
            ("x\"} 1\nevil 2", "x\\\"} 1\\nevil 2"),
        ])
    func labels(value: String, written: String) {
        #expect(String(decoding: MetricLabels("name", value).bytes, as: UTF8.self) == "name=\"\(written)\"")
    }

    @Test(
        "values",
        arguments: [
            (0.0, "0.0"), (0.5, "0.5"), (-1.25, "-1.25"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
        ])
    func values(value: Double, written: String) {
        #expect(
            text(.text) { writer in
                writer.begin(MetricFamily("demo", .gauge, [], "A value."))
                writer.sample(value)
            } == "# HELP demo A value.\n# TYPE demo gauge\ndemo \(written)\n")
    }

    @Test(
        "seconds keep their nanoseconds",
        arguments: [
            (0, "0.0"), (1, "0.000000001"), (1_500_000_000, "1.5"), (12_000_000_000, "12.0"),
            (18_446_744_073_709_551_615, "18446744073.709551615"),
        ] as [(UInt64, String)])
    func nanoseconds(value: UInt64, written: String) {
        let result = text(.text) { writer in
            writer.begin(MetricFamily("demo", .gauge, [], "A value."))
            writer.sample(MetricLabels(), nanoseconds: value)
        }
        #expect(result.hasSuffix("\ndemo \(written)\n"))
    }

    @Test(
        "the format follows what the client accepts",
        arguments: [
            ("", MetricsWriter.Format.text), ("*/*", .text), ("text/plain", .text),
            ("application/openmetrics-text", .openMetrics),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                    + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
            ),
            ("application/openmetrics-text;version=1.0.0;q=0.3, text/plain;q=0.9", .text),
            ("application/openmetrics-text;version=2.0.0", .text), ("application/openmetrics-text;q=0", .text),
            ("application/openmetrics-text; charset=utf-8; q=0.8, text/plain; q=0.8", .openMetrics),
            (";;;,,,q=", .text),
        ])
    func negotiation(accept: String, format: MetricsWriter.Format) {
        #expect(MetricsWriter.Format(accept: accept) == format)
    }
}
