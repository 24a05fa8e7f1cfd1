internal import TrafficModel

/// `monitors:`.
enum MonitorSection {
    private static let fresh = Monitor(name: "", check: .tcp)
    private static let freshHTTP = Monitor.HTTPCheck()

    static let tcp = Shape<ObjectReader>.tcpCheck.field("tcp", "A connection is accepted. Write `tcp: {}`.")
    static let http = httpShape.field("http", "An HTTP request is answered as expected.")
    static let grpc = grpcShape.field(
        "grpc",
        "gRPC's health service, `grpc.health.v1.Health/Check`, says that it serves. `grpc: {}` asks for the server.")
    static let interval = Shape<Duration>.duration(100...86_400_000).field(
        "interval", default: fresh.interval, "From the start of a probe to the start of the next.")
    static let timeout = Shape<Duration>.duration(10...3_600_000).field(
        "timeout", default: fresh.timeout, "From the start of a probe to its verdict; at most `interval`.")
    static let rise = Shape<Int>.integer(1...100).field(
        "rise", default: fresh.rise, "Successes in a row that turn a target up.")
    static let fall = Shape<Int>.integer(1...100).field(
        "fall", default: fresh.fall, "Failures in a row that turn a target down.")
    static let jitter = Shape<Double>.share(0...50).field(
        "jitter", default: fresh.jitter, "The share of the interval by which a probe may come early or late.")
    static let port = Shape<Int>.integer(1...65535).field("port", "Another port to probe than the one that is served.")

    static let model = ObjectModel(
        title: "monitors.NAME", summary: "How to find out whether a target works.",
        fields: [
            tcp.description, http.description, grpc.description, interval.description, timeout.description,
            rise.description,
            fall.description, jitter.description, port.description,
        ], exactlyOne: ["tcp", "http", "grpc"])

    static let method = Shape<String>.token("method").field(
        "method", default: freshHTTP.method, "The request's method.")
    static let path = Shape<String>.requestPath.field("path", default: freshHTTP.path, "The request's path and query.")
    static let host = Shape<String>.fieldText("host").field(
        "host", "The Host field and the TLS server name; the target's address if absent.")
    static let status = Shape<[ClosedRange<Int>]>.oneOrList(of: .statusRange).field(
        "status", default: freshHTTP.expectedStatus, "Status codes that count as success.")
    static let body = Shape<String>.text("text", limit: 1024).field(
        "body", "Text that must occur in the first 64 KiB of the body.")
    static let tls = Shape<Bool>.boolean.field("tls", default: freshHTTP.tls, "Whether to probe over TLS.")
    static let verify = Shape<Bool>.boolean.field(
        "verify_certificate", default: freshHTTP.verifyCertificate, "Whether the certificate must be valid for `host`.")
    static let authority = Shape<String>.path.located.field(
        "authority", "A PEM file with the authorities to trust; the system's if absent.")
    static let http2 = Shape<Bool>.boolean.field(
        "http2", default: freshHTTP.http2,
        "HTTP/2, which with `tls` the target must agree on; HTTP/1.1 otherwise.")
    static let load = Shape<Monitor.LoadSource>.choice().field(
        "load", default: freshHTTP.load,
        "Where the response tells the target's load: the field `endpoint-load-metrics`, or a JSON body.")

    static let httpModel = ObjectModel(
        title: "monitors.NAME.http", summary: "An HTTP check.",
        fields: [
            method.description, path.description, host.description, status.description, body.description,
            tls.description, verify.description, authority.description, http2.description, load.description,
        ])

    private static let httpShape = Shape<Drafted<Monitor.HTTPCheck, Position?>>(.object(httpModel)) { node, context in
        guard let reader = ObjectReader(httpModel, node, context) else { return nil }
        var check = Monitor.HTTPCheck()
        check.method = reader.read(method, context)
        check.path = reader.read(path, context)
        check.host = reader.read(host, context)
        check.expectedStatus = reader.read(status, context)
        check.expectedBody = reader.read(body, context)
        check.tls = reader.read(tls, context)
        check.verifyCertificate = reader.read(verify, context)
        check.http2 = reader.read(http2, context)
        check.load = reader.read(load, context)
        if check.load == .body, check.method == "HEAD" {
            context.error(reader.position(of: "load"), "a response to HEAD has no body", "write method: GET")
        }
        let path = reader.read(authority, context)
        check.authorityPath = path?.value
        warnOfVerification(check.verifyCertificate, tls: check.tls, reader, context)
        return Drafted(value: check, places: path?.position)
    }

    static let service = Shape<String>.text("service", limit: 256).field(
        "service", "The service that is asked about, such as `shop.v1.Orders`; the server as a whole if absent.")
    static let grpcHost = Shape<String>.fieldText("host").field(
        "host", "The authority and the TLS server name; the target's address if absent.")

    static let grpcModel = ObjectModel(
        title: "monitors.NAME.grpc", summary: "A check by gRPC's health service.",
        fields: [
            service.description, grpcHost.description, tls.description, verify.description, authority.description,
        ])

    private static let grpcShape = Shape<Drafted<Monitor.GRPCCheck, Position?>>(.object(grpcModel)) { node, context in
        guard let reader = ObjectReader(grpcModel, node, context) else { return nil }
        var check = Monitor.GRPCCheck()
        check.service = reader.read(service, context) ?? ""
        check.host = reader.read(grpcHost, context)
        check.tls = reader.read(tls, context)
        check.verifyCertificate = reader.read(verify, context)
        let path = reader.read(authority, context)
        check.authorityPath = path?.value
        warnOfVerification(check.verifyCertificate, tls: check.tls, reader, context)
        return Drafted(value: check, places: path?.position)
    }

    private static func warnOfVerification(
        _ isWanted: Bool, tls: Bool, _ reader: ObjectReader, _ context: DecodingContext
    ) {
        if isWanted, !tls {
            context.warning(
                reader.position(of: "verify_certificate"), "verify_certificate has no effect without tls",
                "add tls: true")
        }
        if reader.has("authority"), !isWanted {
            context.warning(
                reader.position(of: "authority"), "authority has no effect without verify_certificate",
                "add verify_certificate: true")
        }
    }

    /// With the place of the authorities' path.
    static let shape = Shape<[Named<Drafted<Monitor, Position?>>]>.map(key: "name", of: monitor)

    private static let monitor = Shape<Drafted<Monitor, Position?>>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var monitor = Monitor(name: "", check: .tcp)
        _ = reader.read(tcp, context)
        var authority: Position?
        if let check = reader.read(http, context) { (monitor.check, authority) = (.http(check.value), check.places) }
        if let check = reader.read(grpc, context) { (monitor.check, authority) = (.grpc(check.value), check.places) }
        monitor.interval = reader.read(interval, context)
        monitor.timeout = reader.read(timeout, context)
        monitor.rise = reader.read(rise, context)
        monitor.fall = reader.read(fall, context)
        monitor.jitter = reader.read(jitter, context)
        monitor.port = reader.read(port, context).map { UInt16($0) }
        if monitor.timeout > monitor.interval {
            if reader.has("timeout") {
                context.error(
                    reader.position(of: "timeout"), "the timeout is longer than the interval",
                    "write at most \(Units.text(milliseconds: monitor.interval.milliseconds))")
            } else {
                // A short interval with the default timeout is meant to be quick.
                monitor.timeout = monitor.interval
            }
        }
        return Drafted(value: monitor, places: authority)
    }
}

extension Shape where Value == ObjectReader {
    static var tcpCheck: Shape {
        let model = ObjectModel(title: "monitors.NAME.tcp", summary: "", fields: [])
        return Shape(.object(model)) { ObjectReader(model, $0, $1) }
    }
}
