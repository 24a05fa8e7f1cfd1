import ControlPlane
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization
import Testing

@testable import AdminAPI

@Suite("Streams of events")
struct EventStreamTests {
    /// Keeps what is written.
    private final class Page: Sendable {
        private let state = Mutex((text: "", isFinished: false))

        var text: String { state.withLock { $0.text } }
        var isFinished: Bool { state.withLock { $0.isFinished } }
        var writer: any ResponseBodyWriter { Writer(page: self) }

        private struct Writer: ResponseBodyWriter {
            let page: Page

            mutating func write(_ buffer: ByteBuffer) async throws {
                page.state.withLock { $0.text += String(buffer: buffer) }
            }

            consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
                page.state.withLock { $0.isFinished = true }
            }
        }
    }

    @Test("a stream ends when its time is up, not a heartbeat later", .timeLimit(.minutes(5)))
    func end() async throws {
        let journal = Journal()
        let subscription = try #require(journal.subscribe())
        var page = Page()
        let start = journal.end
        journal.record(NodeEvent(.start, to: "generation 1"))
        // The short time may be over before the first look, the long ones are still shorter than a heartbeat.
        for seconds in [0.2, 2, 10] where !page.text.contains("id: ") {
            page = Page()
            var writer = page.writer
            let end = ContinuousClock.now + .seconds(seconds)
            try await AdminService.follow(subscription, from: start, EventFilter(), until: end, into: &writer)
            #expect(ContinuousClock.now >= end)
        }
        #expect(page.text.hasPrefix("retry: 2000\n\nid: "))
        #expect(page.text.contains(#""kind":"start""#))
        #expect(!page.text.contains(":\n\n:"), "no heartbeat was due")
    }

    @Test("nothing is written for a reader who may read no more, and the stream is closed in good order")
    func guarded() async throws {
        let (page, isAllowed, ends) = (Page(), Flag(), Flag())
        let response = Response(
            status: .ok,
            body: .init { writer in
                try await writer.write(ByteBuffer(string: "before "))
                isAllowed.set()
                try await writer.write(ByteBuffer(string: "after"))
                try await writer.finish(nil)
            }
        ).guarded(by: { !isAllowed.isSet }) { ends.set() }
        try await response.body.write(page.writer)
        #expect(page.text == "before ")
        #expect(page.isFinished)
        #expect(ends.isSet)
    }

    private final class Flag: Sendable {
        private let flag = Atomic<Bool>(false)
        var isSet: Bool { flag.load(ordering: .relaxed) }
        func set() { flag.store(true, ordering: .relaxed) }
    }
}
