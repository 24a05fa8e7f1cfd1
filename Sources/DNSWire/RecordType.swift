/// A resource record type (RFC 1035 section 3.2.2 and IANA's registry); any 16-bit value is one (RFC 3597).
@usableFromInline
package struct RecordType: RawRepresentable, Hashable, Sendable {
    @usableFromInline package let rawValue: UInt16
    @inlinable package init(rawValue: UInt16) { self.rawValue = rawValue }
}

extension RecordType {
    @inlinable package static var a: RecordType { .init(rawValue: 1) }
    @inlinable package static var ns: RecordType { .init(rawValue: 2) }
    @inlinable package static var cname: RecordType { .init(rawValue: 5) }
    @inlinable package static var soa: RecordType { .init(rawValue: 6) }
    @inlinable package static var ptr: RecordType { .init(rawValue: 12) }
    @inlinable package static var hinfo: RecordType { .init(rawValue: 13) }
    @inlinable package static var mx: RecordType { .init(rawValue: 15) }
    @inlinable package static var txt: RecordType { .init(rawValue: 16) }
    @inlinable package static var aaaa: RecordType { .init(rawValue: 28) }
    @inlinable package static var srv: RecordType { .init(rawValue: 33) }
    @inlinable package static var ds: RecordType { .init(rawValue: 43) }
    @inlinable package static var opt: RecordType { .init(rawValue: 41) }
    @inlinable package static var any: RecordType { .init(rawValue: 255) }
    @inlinable package static var caa: RecordType { .init(rawValue: 257) }
}
