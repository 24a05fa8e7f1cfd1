import Addresses
import Testing
import TrafficModel

@testable import ConfigurationLoading

private func parse(
    _ text: String, into known: Measurements = Measurements()
) throws(MeasurementFile.Problem)
    -> Measurements
{
    try MeasurementFile.parse(Array(text.utf8), path: "m", into: known, time: 5)
}

@Suite("Files of measurements")
struct MeasurementFileTests {
    @Test("loads and latencies are read, with comments, blanks and spaces, and replace those before")
    func read() throws {
        var before = Measurements()
        before.loads["old"] = [.cpu: .init(value: 1, source: "", time: 1)]
        let read = try parse(
            """
            # written every 5 s
            load, eu-1, cpu, 0.75

            load,eu-1,connections,1200,0.9   # vague
            latency,192.0.2.0/24,eu,12.5,40\r
            """, into: before)
        #expect(read.loads.keys.sorted() == ["eu-1"])
        #expect(read.loads["eu-1"]?[.cpu] == .init(value: 0.75, source: "m", time: 5))
        #expect(read.loads["eu-1"]?[.connections] == .init(value: 1200, source: "m", time: 5, confidence: 0.9))
        #expect(
            read.latency[try #require(IPPrefix("192.0.2.0/24"))]?["eu"]
                == .init(roundTrip: 0.0125, count: 40, source: "m", time: 5))
        #expect(read.latencyVersion == before.latencyVersion + 1)
        #expect(try parse("").loads.isEmpty)
    }

    @Test(
        "every mistake is told with its line",
        arguments: [
            ("lode,a,cpu,1", "\"lode\" is neither load nor latency"), ("load,a,cpu", "4 or 5 fields"),
            ("load,a,cpu,1,1,1", "4 or 5 fields"), ("load,a,score,1", "\"score\" is nothing that is measured"),
            ("load,a,cpu,-1", "\"-1\" is not a number from 0"), ("load,a,cpu,nan", "\"nan\" is not a number from 0"),
            ("load,a,cpu,inf", "\"inf\" is not a number from 0"), ("load,a,cpu,1,1.1", "\"1.1\" is not a confidence"),
            ("latency,192.0.2.0/24,eu,1", "5 fields"), ("latency,192.0.2.1/24,eu,1,1", "is not a network"),
            ("latency,192.0.2.0/24,eu,x,1", "are no numbers"), ("latency,192.0.2.0/24,eu,1,0", "are no numbers"),
        ])
    func mistakes(line: String, wrong: String) {
        let problem = #expect(throws: MeasurementFile.Problem.self) { try parse("load,a,cpu,1\n\(line)\n") }
        #expect(problem?.description.hasPrefix("m:2:1: ") == true)
        #expect(problem?.description.contains(wrong) == true, "\(problem?.description ?? "")")
    }

    @Test("no more problems than anybody reads")
    func limit() {
        let problem = #expect(throws: MeasurementFile.Problem.self) {
            try parse([String](repeating: "x\n", count: 50).joined())
        }
        #expect(problem?.description.split(separator: "\n").count == MeasurementFile.problemLimit)
    }
}
