import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle

extension Dashboard {
    /// What changes on a page, for as long as it is open.
    func live(_ request: Request) async throws -> Response {
        guard await feed.hasRoom else {
            throw HTTPError(
                .serviceUnavailable, headers: [.retryAfter: "10"], message: "too many pages are open: close some")
        }
        let topic = Self.topic(request)
        let feed = feed
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-store", .xContentTypeOptions: "nosniff"],
            body: ResponseBody { writer in
                guard let (number, messages) = await feed.subscribe(topic) else { return try await writer.finish(nil) }
                do {
                    try await writer.write(ByteBuffer(string: "retry: 1000\n\n"))
                    for await message in messages.cancelOnGracefulShutdown() { try await writer.write(message) }
                } catch {
                    await feed.leave(number)
                    throw error
                }
                await feed.leave(number)
                try await writer.finish(nil)
            })
    }

    private static func topic(_ request: Request) -> Topic {
        switch request.uri.queryParameters.get("topic") {
        case "overview": .overview
        case "services": .services(ServiceQuery(parameters(request)))
        case "traffic": .traffic
        case "operations": .operations
        case "events": .events(eventChoice(request))
        default: .frame
        }
    }

    static func eventChoice(_ request: Request) -> EventChoice {
        request.uri.queryParameters.get("show").flatMap { EventChoice(rawValue: String($0)) } ?? .main
    }

    static func parameters(_ request: Request) -> [(name: String, value: String)] {
        request.uri.queryParameters.map { (String($0.key), String($0.value)) }
    }

    /// The points of the charts: `range=5m`, a point each second, or `range=1h`, one each ten.
    func historyPoints(_ request: Request) async throws -> Response {
        let history = await feed.history
        let points = request.uri.queryParameters.get("range") == "1h" ? history.coarsePoints : history.finePoints
        return try Self.json(points.map(ChartPoint.init))
    }

    /// The rows of a page of services, for a page that is open and asks for others.
    func serviceRows(_ request: Request) async throws -> Response {
        let page = ServiceTree.page(ServiceQuery(Self.parameters(request)), of: await feed.picture())
        return try Self.json(
            ServiceRows(count: page.count, pages: page.pageCount, page: page.query.page, rows: page.rows))
    }

    private struct ServiceRows: Encodable {
        var count: Int
        var pages: Int
        var page: Int
        var rows: [Row]
    }

    private static func json(_ value: some Encodable) throws -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "application/json", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            ],
            body: .init(byteBuffer: ByteBuffer(bytes: try JSONEncoder().encode(value))))
    }
}
