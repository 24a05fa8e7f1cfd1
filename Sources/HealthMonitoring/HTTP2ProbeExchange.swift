import HTTP2Wire
import HTTPWire
import NIOCore
import TrafficModel

/// The request of a probe over HTTP/2 and what is made of its response, without a socket. Lives on its event loop.
final class HTTP2ProbeExchange {
    private enum Question {
        case http(ProbeExpectation)
        /// gRPC's health service.
        case grpc
    }

    private let session: HTTP2Session
    private var question: Question
    private var place = 0
    /// What came of a frame that is not whole.
    private var pending: [UInt8] = []
    /// Of the request's body: what the target's windows did not allow yet.
    private var unsent: [UInt8] = []
    private var status: Int?
    private var interimHeads = 0
    private var body: [UInt8] = []
    private var loadField: String?
    /// `grpc-status` of the fields that end the response.
    private var serviceStatus: Int?

    /// Interim responses before the one that counts; as the proxy takes of members.
    private static let mostInterim = 32

    private init(_ question: Question) {
        self.question = question
        var limits = HTTP2Session.Limits()
        limits.fieldBytes = ProbeResponse.headLimit
        // All of a body that is looked at comes without being asked for.
        limits.streamWindow = 2 * ProbeExpectation.bodyLimit
        limits.connectionWindow = limits.streamWindow
        session = HTTP2Session(role: .client, limits: limits, fields: FieldSection())
        session.start()
    }

    /// - Parameter authority: a host, and a port if it is not the scheme's.
    convenience init(_ check: Monitor.HTTPCheck, authority: String) {
        self.init(.http(ProbeExpectation(check)))
        begin(check.method, path: check.path, authority: authority, isTLS: check.tls)
        session.add("accept", "*/*")
        session.endFields(place, isEnd: true)
    }

    convenience init(_ check: Monitor.GRPCCheck, authority: String) {
        self.init(.grpc)
        begin("POST", path: "/grpc.health.v1.Health/Check", authority: authority, isTLS: check.tls)
        session.add("content-type", "application/grpc")
        session.add("te", "trailers")
        session.endFields(place, isEnd: false)
        unsent = GRPCHealth.request(service: check.service)
        sendBody()
    }

    private func begin(_ method: String, path: String, authority: String, isTLS: Bool) {
        place = session.open(isHead: method == "HEAD")
        session.beginFields()
        session.add(StaticIndex.get, value: Array(method.utf8).span)
        session.add(fixed: isTLS ? StaticIndex.https : StaticIndex.http)
        session.add(StaticIndex.root, value: Array(path.utf8).span)
        session.add(StaticIndex.authority, value: Array(authority.utf8).span)
        session.add("user-agent", "meridian-health")
    }

    private func sendBody() {
        guard !unsent.isEmpty else { return }
        // A span of a property that others could change meanwhile is none that the optimiser lets pass.
        let bytes = unsent
        unsent.removeFirst(session.send(bytes.span, on: place, isEnd: true))
    }

    /// What is to be sent by now.
    func takeOutput() -> ByteBuffer {
        let output = session.output
        let bytes = unsafe output.bytes.withUnsafeBufferPointer { unsafe ByteBuffer(bytes: $0) }
        output.removeAll(keeping: 0)
        return bytes
    }

    /// Takes what was received; the verdict if there is one by now.
    func receive(_ bytes: ByteBuffer) -> ProbeOutcome? {
        pending += bytes.readableBytesView
        let received = pending
        var offset = 0
        defer { pending.removeFirst(offset) }
        while true {
            let event = session.next(received.span, offset: &offset)
            if event == .incomplete { return nil }
            if let outcome = take(event) {
                if !session.isFailed { session.sendLastGoAway() }
                return outcome
            }
        }
    }

    private func take(_ event: HTTP2Session.Event) -> ProbeOutcome? {
        switch event {
        case .response(let stream):
            guard session.fields.status >= 200 else {
                interimHeads += 1
                return interimHeads > Self.mostInterim ? .failure(.http2("too many interim responses")) : nil
            }
            status = session.fields.status
            loadField = field(LoadMetrics.fieldName)
            let isEnd = session.isInputEnded(stream)
            if isEnd { serviceStatus = field("grpc-status").flatMap { Int($0) } }
            return judge(isComplete: isEnd)
        case .data(_, let range, _, let isEnd):
            let room = ProbeExpectation.bodyLimit - body.count
            body += pending[range].prefix(room)
            if case .grpc = question, body.count == ProbeExpectation.bodyLimit { return GRPCHealth.unreadable }
            return judge(isComplete: isEnd)
        case .trailers:
            serviceStatus = field("grpc-status").flatMap { Int($0) }
            if loadField == nil { loadField = field(LoadMetrics.fieldName) }
            return judge(isComplete: true)
        case .reset(_, let code): return .failure(.http2("the stream was reset, error \(code.rawValue)"))
        case .broken: return .failure(.http2("the response breaks a rule of HTTP/2"))
        case .goAway(let last, let code):
            return session.id(of: place) > last ? .failure(.http2("the target went away, error \(code.rawValue)")) : nil
        case .failed(let code, _): return .failure(.http2("not HTTP/2, or against its rules, error \(code.rawValue)"))
        case .windowOpened:
            sendBody()
            return nil
        case .incomplete, .request, .settings, .pong, .malformed, .refused: return nil
        }
    }

    private func field(_ name: String) -> String? {
        let fields = session.fields
        return (0..<fields.count).first { Self.isEqual(fields.name($0), name) }.map { Self.text(fields.value($0)) }
    }

    private func judge(isComplete: Bool) -> ProbeOutcome? {
        guard let status else { return nil }
        switch question {
        case .http(var expectation):
            defer { question = .http(expectation) }
            return expectation.judge(status: status, body: body, isComplete: isComplete)
        case .grpc:
            guard status == 200 else { return .failure(.status(status)) }
            return isComplete ? GRPCHealth.verdict(status: serviceStatus, message: body) : nil
        }
    }

    /// The peer closed the connection.
    func end() -> ProbeOutcome { .failure(status == nil ? .closed(.response) : .cutOff) }

    /// What the response tells of the target's load; it has no part in the verdict.
    var load: LoadMetrics? {
        switch question {
        case .http(let expectation): expectation.load(field: loadField, body: body)
        case .grpc: loadField.flatMap { LoadMetrics(field: $0) }
        }
    }

    private static func isEqual(_ name: Span<UInt8>, _ text: String) -> Bool {
        name.count == text.utf8.count && zip(name.indices, text.utf8).allSatisfy { name[$0] == $1 }
    }

    private static func text(_ value: Span<UInt8>) -> String {
        String(decoding: value.indices.map { value[$0] }, as: UTF8.self)
    }
}
