package import ControlPlane
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import TrafficModel

/// Events as `GET /v1/events` lists them.
package struct EventList: Codable, Sendable {
    package var events: [NodeEvent]
    /// Where to read on: the next `since`.
    package var cursor: UInt64
}

/// What an event is about, as a query names it.
enum EventSubject: String, CaseIterable {
    case region, pool, member, monitor, window, shift, zone, certificate
    case wideIP = "wide-ip"
    case virtualServer = "virtual-server"
}

/// What happened: as a stream of server-sent events, or as a list for those who accept JSON.
///
/// A stream begins behind `since` or `Last-Event-ID`, without them with what comes. A reader that is too slow misses
/// the oldest, and gets a `gap` in their place.
extension AdminService {
    static let eventCounts = 1...10_000
    private static let defaultEventCount = 100
    /// Proxies between close what is silent for half a minute or more.
    private static let heartbeat = Duration.seconds(15)
    /// Events written at once.
    private static let batch = 256

    /// How long somebody who came over the network may follow before the credentials are looked at again: readers come
    /// back by themselves, and go on where they were.
    private static let streamTime = Duration.seconds(300)

    static func events(
        _ request: Request, _ context: AdminContext, node: Node, _ gates: WorkGates
    ) async throws -> Response {
        let query = try QueryParameters(request, known: ["since", "limit", "kind", "subject", "name"])
        var filter = EventFilter()
        filter.kinds = Set(try query.words("kind", of: NodeEvent.Kind.self))
        filter.subjectKinds = Set(try query.words("subject", of: EventSubject.self).map(\.rawValue))
        filter.name = try query["name"].map { name in
            // It is compared with every event that is kept.
            guard name.utf8.count <= 320 else { throw BadRequest("name: at most 320 bytes") }
            return Glob(name)
        }
        let since = try query.number("since", in: 0...UInt64(Int64.max))
        let limit = try query.number("limit", in: eventCounts)
        if request.headers[.accept]?.contains("application/json") ?? false {
            let (count, filter) = (limit ?? defaultEventCount, filter)
            return try await gates.run(.view) {
                let page =
                    since.map { node.journal.events(after: $0, limit: count, where: filter) }
                    ?? node.journal.latest(count, where: filter)
                return try json(EventList(events: page.events, cursor: page.cursor))
            }
        }
        guard limit == nil else { throw BadRequest("limit: of lists; ask with Accept: application/json") }
        var cursor = since
        if let text = request.headers[.lastEventID] {
            guard let id = UInt64(text), id <= UInt64(Int64.max) else {
                throw BadRequest("Last-Event-ID: the id of an event")
            }
            cursor = id
        }
        guard let subscription = node.journal.subscribe() else {
            throw Refusal(
                .serviceUnavailable, "too many follow the events already: try again in a while", retryAfter: 10)
        }
        let isOwner = context.identity?.proof == .socket
        return stream(
            request, subscription, from: cursor ?? node.journal.end, filter,
            until: isOwner ? nil : .now + streamTime)
    }

    private static func stream(
        _ request: Request, _ subscription: Journal.Subscription, from start: UInt64, _ filter: EventFilter,
        until end: ContinuousClock.Instant?
    ) -> Response {
        let headers: HTTPFields = [
            .contentType: "text/event-stream", .cacheControl: "no-store", .contentTypeOptions: "nosniff",
        ]
        return Response(
            status: .ok, headers: headers,
            body: .init { writer in
                var writer = writer
                do {
                    try await request.body.consumeWithCancellationOnInboundClose { _ in
                        try await follow(subscription, from: start, filter, until: end, into: &writer)
                    }
                } catch is CancellationError {
                    // The reader went away; the connection ends with it.
                    return
                }
                try await writer.finish(nil)
            })
    }

    /// Writes what comes until the journal closes, or the time is up.
    @concurrent
    static func follow(
        _ subscription: Journal.Subscription, from start: UInt64, _ filter: EventFilter,
        until end: ContinuousClock.Instant?, into writer: inout any ResponseBodyWriter
    ) async throws {
        let journal = subscription.journal
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var cursor = start
        var lastWrite = ContinuousClock.now
        // Readers come back after two seconds, and know at once that they are connected.
        try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
        while !journal.isClosed, end.map({ ContinuousClock.now < $0 }) ?? true {
            let page = journal.events(after: cursor, limit: batch, where: filter)
            let isNew = page.cursor != cursor
            cursor = page.cursor
            if !page.events.isEmpty {
                var buffer = ByteBuffer()
                for event in page.events {
                    // A gap has no number of its own: who reconnects behind it is told of it again.
                    if event.id != 0 { buffer.writeString("id: \(event.id)\n") }
                    buffer.writeString("data: ")
                    buffer.writeBytes(try encoder.encode(event))
                    buffer.writeString("\n\n")
                }
                try await writer.write(buffer)
                lastWrite = .now
            } else if !isNew {
                let rest = end.map { max($0 - .now, .zero) } ?? heartbeat
                await journal.waitForNews(after: cursor, atMost: min(heartbeat, rest))
                try Task.checkCancellation()
            }
            // A comment, which tells both sides whether the other is still there, also when no event is for this reader.
            if ContinuousClock.now - lastWrite >= heartbeat {
                lastWrite = .now
                try await writer.write(ByteBuffer(string: ":\n\n"))
            }
        }
    }
}

extension HTTPField.Name {
    static let lastEventID = Self("Last-Event-ID")!
    static let contentTypeOptions = Self("X-Content-Type-Options")!
}
