import HTTPWire
import NIOCore
import TrafficModel

/// What a probe says and what it makes of the answer.
enum ProbeExchange {
    /// A connection is all that is asked for.
    case none
    case http1(request: ByteBuffer, ProbeResponse)
    case http2(HTTP2ProbeExchange)

    init(_ target: ProbeTarget) {
        switch target.monitor.check {
        case .tcp: self = .none
        case .http(let check):
            if let request = target.request {
                self = .http1(request: request, ProbeResponse(check: check))
            } else {
                self = .http2(HTTP2ProbeExchange(check, authority: target.authority))
            }
        case .grpc(let check): self = .http2(HTTP2ProbeExchange(check, authority: target.authority))
        }
    }

    var isHTTP2: Bool { if case .http2 = self { true } else { false } }

    /// What is to be sent by now.
    mutating func takeOutput() -> ByteBuffer {
        switch self {
        case .none: return ByteBuffer()
        case .http1(let request, let response):
            self = .http1(request: ByteBuffer(), response)
            return request
        case .http2(let exchange): return exchange.takeOutput()
        }
    }

    /// Takes what was received; the verdict if there is one by now.
    mutating func receive(_ bytes: ByteBuffer) -> ProbeOutcome? {
        switch self {
        case .none: return nil
        case .http1(let request, var response):
            defer { self = .http1(request: request, response) }
            return response.receive(bytes)
        case .http2(let exchange): return exchange.receive(bytes)
        }
    }

    /// The peer closed the connection.
    mutating func end() -> ProbeOutcome {
        switch self {
        case .none: return .failure(.closed(.response))
        case .http1(_, var response): return response.end()
        case .http2(let exchange): return exchange.end()
        }
    }

    /// What the response told of the target's load.
    var load: LoadMetrics? {
        switch self {
        case .none: nil
        case .http1(_, let response): response.load
        case .http2(let exchange): exchange.load
        }
    }
}
