import ControlPlane
import FoundationEssentials
import Logging
import NIOCore

/// Follows a node for all who look at it: takes a picture each second while somebody looks, and sends each what changed
/// on his page. What many look at is made once.
actor DashboardFeed {
    /// Open pages at once. A tick costs each of them one write; 256 are ten times what a large team opens.
    static let subscriberLimit = 256
    /// A page that reads slower misses ticks, and asks for what it missed.
    private static let backlog = 4
    private static let interval = Duration.seconds(1)
    /// Nobody looks: rates are there when somebody does.
    private static let idleInterval = Duration.seconds(5)
    /// They are sums over hours: what a second adds to them is not seen.
    private static let levelInterval = Duration.seconds(5)
    /// A picture may take this part of the time at most; a large configuration is looked at less often.
    private static let mostWork = 0.05

    private struct Subscriber {
        var topic: Topic
        var continuation: AsyncStream<ByteBuffer>.Continuation
    }

    private nonisolated let node: Node
    private let logger: Logger
    private let clock = ContinuousClock()
    private(set) var history = TrafficHistory()
    private var flows = ClientFlows()
    private var answers = AnswerHistory()
    private var topology: NodeTopology?
    private var latest: NodePicture?
    private var latestTime: ContinuousClock.Instant?
    private var cost = Duration.zero
    private var news = News()
    private var levels: [ServiceLevel] = []
    private var levelsTime: ContinuousClock.Instant?
    private var isTaking = false
    private var subscribers: [UInt64: Subscriber] = [:]
    private var nextSubscriber: UInt64 = 1
    /// What was made of the latest picture already.
    private var messages: [Topic: ByteBuffer] = [:]

    init(node: Node, logger: Logger) {
        self.node = node
        self.logger = logger
    }

    /// Until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            history.add(await node.figures())
            if isDue, !isTaking {
                _ = await takePicture()
                broadcast()
            }
            // Cancelled: the loop ends by its condition.
            try? await Task.sleep(for: Self.interval)
        }
        for subscriber in subscribers.values { subscriber.continuation.finish() }
        subscribers = [:]
    }

    private var isDue: Bool {
        guard let latestTime else { return true }
        let rest = subscribers.isEmpty ? Self.idleInterval : Self.interval
        // Half a tick early is on time.
        return clock.now - latestTime + Self.interval / 2 >= max(rest, cost / Self.mostWork)
    }

    /// The node as of a second ago at most, unless it is so large that this would cost too much.
    func picture() async -> NodePicture {
        if let latest, let latestTime, isTaking || clock.now - latestTime < max(Self.interval, cost / Self.mostWork) {
            return latest
        }
        let taken = await takePicture()
        // What happened is told with one picture, and pages that are open must not miss that one.
        broadcast()
        return taken
    }

    private func takePicture() async -> NodePicture {
        isTaking = true
        defer { isTaking = false }
        let start = clock.now
        let status = await node.status()
        let counts = await node.answerCounts()
        let figures = await node.figures()
        let known: NodeTopology
        if let topology, topology.generation == status.generation {
            known = topology
        } else {
            known = await node.topology()
            topology = known
        }
        if levelsTime.map({ start - $0 >= Self.levelInterval }) ?? true {
            levels = await node.view().serviceLevels()
            levelsTime = start
        }
        let sample = await node.answers(since: flows.instant)
        let regions = Dictionary(
            status.pools.compactMap { pool in pool.region.map { (pool.name, $0) } },
            uniquingKeysWith: { first, _ in first })
        flows.add(sample, regions: regions, instant: figures.instant)
        answers.add(counts, instant: figures.instant)
        let picture = NodePicture(
            status: status, topology: known,
            counters: PictureCounters(status, instant: figures.instant), answers: answers, previous: latest,
            flows: flows.largest(NodePicture.flowLimit).map {
                .init(country: $0.pair.country, region: $0.pair.region, share: $0.share)
            }, levels: levels, time: figures.time)
        news.add(node.journal.latest(News.limit, where: EventChoice.main.filter).events)
        latest = picture
        latestTime = start
        messages = [:]
        cost = clock.now - start
        return picture
    }

    /// What happened lately, newest first.
    nonisolated func events(_ choice: EventChoice, limit: Int = EventRows.limit) -> [Row] {
        EventRows.rows(node.journal.latest(limit, where: choice.filter).events)
    }

    // MARK: Open pages

    var hasRoom: Bool { subscribers.count < Self.subscriberLimit }

    /// - Returns: `nil` when too many pages are open. ``leave(_:)`` must follow.
    func subscribe(_ topic: Topic) async -> (number: UInt64, messages: AsyncStream<ByteBuffer>)? {
        guard hasRoom else { return nil }
        let first = await picture()
        guard hasRoom else { return nil }
        let number = nextSubscriber
        nextSubscriber += 1
        let (stream, continuation) = AsyncStream.makeStream(
            of: ByteBuffer.self, bufferingPolicy: .bufferingNewest(Self.backlog))
        subscribers[number] = Subscriber(topic: topic, continuation: continuation)
        continuation.yield(message(topic, first))
        return (number, stream)
    }

    func leave(_ number: UInt64) { subscribers[number]?.continuation.finish(); subscribers[number] = nil }

    private func broadcast() {
        guard let latest else { return }
        for subscriber in subscribers.values { subscriber.continuation.yield(message(subscriber.topic, latest)) }
    }

    private func message(_ topic: Topic, _ picture: NodePicture) -> ByteBuffer {
        if let known = messages[topic] { return known }
        var lists: [String: [Row]] = [:]
        var texts = picture.texts(history.recent(AnswerHistory.rateSeconds))
        switch topic {
        case .overview:
            let problems = picture.problemRows()
            texts["problems"] = "\(problems.count)"
            texts["moreProblems"] = NodePicture.moreProblems(problems)
            lists = [
                "regions": picture.regionRows, "map": picture.mapRows, "flows": picture.flowRows,
                "problems": problems.rows, "overrides": picture.overrideRows, "shifts": picture.shiftRows,
                "events": events(.main, limit: 5), "levels": picture.levelRows(limit: NodePicture.fewLevels),
            ]
        case .services(let query):
            let page = ServiceTree.page(query, of: picture)
            texts["count"] = Wording.count(page.count)
            lists = ["services": page.rows]
        case .operations:
            lists = [
                "overrides": picture.overrideRows, "windows": picture.windowRows, "shifts": picture.shiftRows,
            ]
        case .events(let choice): lists = ["events": events(choice)]
        case .traffic: lists = ["levels": picture.levelRows()]
        case .frame: break
        }
        let message = LiveMessage(
            number: picture.number, time: picture.time, texts: texts, news: news.text,
            state: picture.condition.rawValue,
            point: history.lastPoint.map(ChartPoint.init), lists: lists)
        var buffer = ByteBuffer(string: "data: ")
        do {
            buffer.writeBytes(try JSONEncoder().encode(message))
        } catch {
            // Texts and finite numbers can always be written; an empty comment keeps the page's connection.
            logger.error("the dashboard cannot tell what changed", metadata: ["reason": "\(error)"])
            buffer = ByteBuffer(string: ":")
        }
        buffer.writeString("\n\n")
        messages[topic] = buffer
        return buffer
    }
}
