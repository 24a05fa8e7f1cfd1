/// Messages of gRPC's health service (grpc.health.v1): one text, and one number.
enum GRPCHealth {
    /// HealthCheckRequest with gRPC's prefix.
    ///
    /// - Parameter service: at most 256 bytes of UTF-8.
    static func request(service: String) -> [UInt8] {
        var message: [UInt8] = []
        if !service.isEmpty {
            message.append(0x0a)
            var length = service.utf8.count
            while length > 0x7f {
                message.append(UInt8(length & 0x7f) | 0x80)
                length >>= 7
            }
            message.append(UInt8(length))
            message += service.utf8
        }
        return [0, 0, 0, UInt8(message.count >> 8), UInt8(message.count & 0xff)] + message
    }

    /// What a whole response means.
    ///
    /// - Parameters:
    ///   - status: `grpc-status`; `nil`: there is none, or it is no number.
    ///   - message: the body, with gRPC's prefix.
    static func verdict(status: Int?, message: [UInt8]) -> ProbeOutcome {
        guard let status else { return .failure(.service("no gRPC status came")) }
        guard status == 0 else {
            return .failure(
                .service("gRPC status \(statusNames.indices.contains(status) ? statusNames[status] : "\(status)")"))
        }
        guard message.count >= 5, message[0] == 0,
            message[1..<5].reduce(0, { $0 << 8 | Int($1) }) == message.count - 5,
            let state = servingStatus(message[5...])
        else { return unreadable }
        switch state {
        case 1: return .success
        case 2: return .failure(.service("the service is NOT_SERVING"))
        case 3: return .failure(.service("the service is unknown"))
        default: return .failure(.service("the service does not know whether it serves"))
        }
    }

    static let unreadable = ProbeOutcome.failure(.service("the health service's answer cannot be read"))

    private static let statusNames = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
        "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
        "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ]

    /// The number in field 1 of HealthCheckResponse, 0 if absent; other fields are passed over. `nil`: malformed.
    private static func servingStatus(_ message: ArraySlice<UInt8>) -> UInt64? {
        var rest = message
        var state: UInt64 = 0
        while !rest.isEmpty {
            guard let tag = number(&rest) else { return nil }
            switch tag & 7 {
            case 0:
                guard let value = number(&rest) else { return nil }
                if tag == 8 { state = value }
            case 1, 5:
                let size = tag & 7 == 1 ? 8 : 4
                guard rest.count >= size else { return nil }
                rest = rest.dropFirst(size)
            case 2:
                guard let count = number(&rest), count <= rest.count else { return nil }
                rest = rest.dropFirst(Int(count))
            default: return nil
            }
        }
        return state
    }

    /// A number in base 128, lowest digits first.
    private static func number(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7f) << UInt64(shift)
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }
}
