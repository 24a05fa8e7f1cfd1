extension ResourceRecord {
    /// The host that the record names and whose addresses a resolver needs next: RFC 1035 section 3.3.9 and 3.3.11,
    /// RFC 2782, RFC 9460 section 4.1 and their like. `nil` for types without one and for `.`, which is none.
    package var target: DomainName? {
        let offset: Int
        switch type {
        case .ns: offset = 0
        case .mx, .afsdb, .rt, .kx, .svcb, .https: offset = 2
        case .srv: offset = 6
        default: return nil
        }
        var end = offset
        while end < data.count, data[end] != 0 { end += 1 + Int(data[end]) }
        guard end < data.count, let name = DomainName(wire: Array(data[offset...end])) else { return nil }
        guard name == .root else { return name }
        // Only in a service's record does `.` stand for the owner itself (RFC 9460 section 2.5.2).
        let isService = type == .svcb || type == .https
        return isService && (data[0] != 0 || data[1] != 0) && !owner.isWildcard ? owner : nil
    }
}

extension DomainName {
    /// The name that a DNAME at `owner` turns this one below it into; `nil` when that is longer than 255 bytes
    /// (RFC 6672 section 2.2).
    package func replacing(suffix owner: DomainName, with target: DomainName) -> DomainName? {
        DomainName(wire: wire.dropLast(owner.wire.count) + target.wire)
    }
}
