import Glibc
import HTTPWire
import NIOCore
import TestSupport
import Testing
import TrafficModel

@testable import HealthMonitoring

@Suite("Responses to HTTP probes")
struct ProbeResponseTests {
    private static func check(body: String? = nil, method: String = "GET") -> Monitor.HTTPCheck {
        var check = Monitor.HTTPCheck()
        check.expectedBody = body
        check.method = method
        return check
    }

    /// The verdict on `text` received in pieces of `size` bytes and then closed.
    private static func verdict(_ text: String, _ check: Monitor.HTTPCheck, pieces size: Int = .max) -> ProbeOutcome {
        var response = ProbeResponse(check: check)
        var rest = ByteBuffer(string: text)
        while rest.readableBytes > 0, let piece = rest.readSlice(length: min(size, rest.readableBytes)) {
            if let outcome = response.receive(piece) { return outcome }
        }
        return response.end()
    }

    static let table: [(response: String, body: String?, outcome: ProbeOutcome)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", nil, .success),
        ("HTTP/1.0 200\r\n\r\n", nil, .success),
        ("HTTP/1.1 399 \r\n\r\n", nil, .success),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", nil, .failure(.status(503))),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", nil,
            .success
        ),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", nil, .failure(.status(101))),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfine, OK.", "OK", .success),
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfineOK", "OK", .failure(.body)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "OK", .failure(.body)),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end: OK", "OK", .success),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end", "OK", .failure(.body)),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabO\r\n2;x=y\r\nKc\r\n0\r\n\r\n", "OK", .success),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabO\r\n1\r\nk\r\n0\r\n\r\n", "OK", .failure(.body)),
        ("HTTP/1.1 204 No Content\r\n\r\n", "OK", .failure(.body)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "", .success),
        ("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\naabaabaa", "abaa", .success),
        ("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nabc", "OK", .failure(.cutOff)),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "OK",
            .failure(.malformed(.badChunkSize))
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", "OK",
            .failure(.malformed(.badChunkEnd))
        ),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n", nil, .failure(.malformed(.badStatusLine))),
        ("HTTP/2.0 200 OK\r\n\r\n", nil, .failure(.malformed(.badStatusLine))),
        ("HTTP/1.1 2000 OK\r\n\r\n", nil, .failure(.malformed(.badStatusLine))),
        ("HTTP/1.1 20x OK\r\n\r\n", nil, .failure(.malformed(.badStatusLine))),
        ("HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n", nil, .failure(.malformed(.badFieldName))),
        ("HTTP/1.1 200 OK\r\n folded\r\n\r\n", nil, .failure(.malformed(.foldedField))),
        ("HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", nil, .failure(.malformed(.bareLineFeed))),
        ("HTTP/1.1 200 OK\r\nA: \u{0}\r\n\r\n", nil, .failure(.malformed(.badFieldValue))),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", nil,
            .failure(.malformed(.repeatedContentLength))
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", nil,
            .failure(.malformed(.lengthAndTransferEncoding))
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nab", nil, .failure(.malformed(.badContentLength))),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", nil, .failure(.malformed(.unknownTransferEncoding))),
        ("", nil, .failure(.closed(.response))),
        ("HTTP/1.1 200 OK\r\n", nil, .failure(.closed(.response))),
    ]

    @Test("verdicts, in one piece and split everywhere", arguments: table)
    func verdicts(response: String, body: String?, outcome: ProbeOutcome) {
        let check = Self.check(body: body)
        for size in [Int.max, 1, 2, 3, 7] {
            #expect(Self.verdict(response, check, pieces: size) == outcome, "pieces of \(size)")
        }
    }

    @Test("a response cut off anywhere before its verdict is no success")
    func truncated() {
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabO\r\n2\r\nKc\r\n0\r\n\r\n"
        let needed = text.utf8.count - "c\r\n0\r\n\r\n".utf8.count
        for count in 0..<text.utf8.count {
            let outcome = Self.verdict(
                String(decoding: Array(text.utf8)[..<count], as: UTF8.self), Self.check(body: "OK"))
            #expect((outcome == .success) == (count >= needed))
        }
    }

    @Test("only the first 64 KiB of the body count", arguments: [(0, true), (1, true), (2, false), (70_000, false)])
    func limit(past: Int, isFound: Bool) {
        // `past` bytes more than leave room for the text with one to spare.
        let filler = String(repeating: "x", count: ProbeExpectation.bodyLimit - 3 + past)
        for head in ["Content-Length: 200000", "X: y"] {
            let text = "HTTP/1.1 200 OK\r\n\(head)\r\n\r\n\(filler)OK" + String(repeating: "y", count: 1_000)
            for size in [Int.max, 1_000] {
                #expect((Self.verdict(text, Self.check(body: "OK"), pieces: size) == .success) == isFound)
            }
        }
    }

    @Test("a head without end is given up at its limit")
    func longHead() {
        let text = "HTTP/1.1 200 OK\r\n" + "A: " + String(repeating: "b", count: 70_000)
        #expect(Self.verdict(text, Self.check(), pieces: 4_096) == .failure(.malformed(.headTooLarge)))
        let interim = String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 5_000)
        #expect(Self.verdict(interim, Self.check(), pieces: 4_096) == .failure(.malformed(.headTooLarge)))
    }

    @Test("a response to HEAD has no body")
    func head() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        #expect(Self.verdict(text, Self.check(method: "HEAD")) == .success)
        #expect(Self.verdict(text, Self.check(body: "OK", method: "HEAD")) == .failure(.body))
    }

    @Test("random bytes and random damage never succeed wrongly nor crash")
    func mutation() {
        var random = SplitMix64(seed: 11)
        let valid = Array("HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabO\r\n2\r\nKc\r\n0\r\n\r\n".utf8)
        for _ in 0..<5_000 {
            var bytes = valid
            for _ in 0..<Int(random.next() % 6) {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            bytes.removeLast(Int(random.next() % UInt64(bytes.count)))
            // No damage of these bytes alone can be told from another status, so only the absence of one is sure.
            let text = String(decoding: bytes, as: UTF8.self)
            if !text.hasPrefix("HTTP/1.") { #expect(Self.verdict(text, Self.check(body: "OK"), pieces: 5) != .success) }
        }
    }

    @Test("finds a text across any borders, like a plain search", arguments: 0..<30)
    func matcher(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let text = (0..<Int(random.next() % 5) + 1).map { _ in UInt8(random.next() % 2) }
        let stream = (0..<40).map { _ in UInt8(random.next() % 2) }
        var matcher = TextMatcher(text)
        for end in stream.indices {
            let isFound = matcher.find(in: [stream[end]])
            let expected = (0...end).contains { start in
                start + text.count <= end + 1 && Array(stream[start..<start + text.count]) == text
            }
            #expect(isFound == expected)
        }
    }
}

@Suite("What went wrong, in words")
struct ProbeOutcomeTests {
    @Test(
        "errors of the system",
        arguments: [
            (ECONNREFUSED, ProbeOutcome.failure(.refused)), (ECONNRESET, .failure(.reset)), (EPIPE, .failure(.reset)),
            (EHOSTUNREACH, .failure(.unreachable)), (ENETUNREACH, .failure(.unreachable)),
            (ETIMEDOUT, .failure(.timedOut(.connecting))),
            (EMFILE, .inconclusive("no file descriptor left for the probe")),
            (ENFILE, .inconclusive("no file descriptor left for the probe")),
            (EADDRNOTAVAIL, .inconclusive("no local address or port for the probe")),
            (ENOMEM, .inconclusive("no memory for the probe's socket")),
            (EACCES, .inconclusive("the probe was forbidden on this machine")),
        ])
    func errors(code: CInt, outcome: ProbeOutcome) {
        #expect(ProbeOutcome(IOError(errnoCode: code, reason: "connect"), phase: .connecting) == outcome)
    }

    @Test(
        "reasons",
        arguments: [
            (ProbeFailure.refused, "connection refused"),
            (.timedOut(.connecting), "timed out after 2 s connecting"),
            (.timedOut(.response), "timed out after 2 s waiting for the response"),
            (.status(503), "status 503, expected 200-299, 404"),
            (.body, "\"all well\" is not in the first 64 KiB of the body"),
        ])
    func reasons(failure: ProbeFailure, text: String) {
        var check = Monitor.HTTPCheck()
        check.expectedStatus = [200...299, 404...404]
        check.expectedBody = "all well"
        #expect(failure.text(Monitor(name: "m", check: .http(check))) == text)
    }

    @Test(
        "durations",
        arguments: [
            (Duration.milliseconds(500), "500 ms"), (.seconds(2), "2 s"), (.milliseconds(1_500), "1.5 s"),
            (.milliseconds(1_005), "1.005 s"), (.seconds(90), "90 s"),
        ])
    func durations(timeout: Duration, text: String) {
        var monitor = Monitor(name: "m", check: .tcp)
        monitor.timeout = timeout
        #expect(ProbeFailure.timedOut(.connecting).text(monitor) == "timed out after \(text) connecting")
    }
}

@Suite("Load in responses to HTTP probes")
struct ProbeLoadTests {
    private static let report = #"{"cpu_utilization": 0.5, "named_metrics": {"queue": 3}}"#

    @Test(
        "the load is told by the field or by the body, wherever it is cut, and has no part in the verdict",
        arguments: [
            (
                Monitor.LoadSource.header, "Endpoint-Load-Metrics: TEXT cpu_utilization=0.5, named_metrics.queue=3\r\n",
                "", true
            ),
            (.header, "endpoint-load-metrics: JSON \(report)\r\n", "x", true), (.header, "", report, false),
            (.header, "endpoint-load-metrics: rubbish\r\n", "", false), (.body, "", report, true),
            (.body, "endpoint-load-metrics: TEXT a=1\r\n", "rubbish", false), (.none, "", report, false),
            (.none, "endpoint-load-metrics: TEXT cpu_utilization=1\r\n", report, false),
        ])
    func load(source: Monitor.LoadSource, field: String, body: String, isThere: Bool) {
        var check = Monitor.HTTPCheck()
        check.load = source
        for framing in ["Content-Length: \(body.utf8.count)\r\n", ""] {
            let text = "HTTP/1.1 200 OK\r\n\(field)\(framing)\r\n\(body)"
            for size in 1...text.utf8.count {
                var response = ProbeResponse(check: check)
                var rest = ByteBuffer(string: text)
                var outcome: ProbeOutcome?
                while outcome == nil, let piece = rest.readSlice(length: min(size, rest.readableBytes)),
                    piece.readableBytes > 0
                {
                    outcome = response.receive(piece)
                }
                let verdict = outcome ?? response.end()
                #expect(verdict == .success)
                let wanted: [Criterion: Double] = isThere ? [.cpu: 0.5, .queue: 3] : [:]
                #expect(Criterion.loads(in: response.load) == wanted)
            }
        }
    }

    @Test("a body that is wanted whole but is cut off is a failure; one that is too long tells nothing")
    func wholeBody() {
        var check = Monitor.HTTPCheck()
        check.load = .body
        var cut = ProbeResponse(check: check)
        let outcome = cut.receive(ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n\(Self.report)"))
        let end = cut.end()
        #expect(outcome == nil && end == .failure(.cutOff))
        let padding = String(repeating: " ", count: ProbeExpectation.bodyLimit)
        var response = ProbeResponse(check: check)
        let long = response.receive(ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\n\(padding)\(Self.report)"))
        #expect(long == .success)
        #expect(response.load == nil)
    }
}
