import Addresses

/// A value of a MaxMind DB's data, as the tests write it.
indirect enum MaxMindValue {
    case map([(String, MaxMindValue)])
    case array([MaxMindValue])
    case string(String)
    case double(Double)
    case float(Float)
    case uint16(UInt16)
    case uint32(UInt32)
    case uint64(UInt64)
    case uint128(UInt128)
    case int32(Int32)
    case boolean(Bool)
    case bytes([UInt8])
    case pointer(Int)
    /// Bytes as they are, right or wrong.
    case raw([UInt8])

    var encoded: [UInt8] {
        switch self {
        case .map(let pairs):
            return Self.control(7, pairs.count) + pairs.flatMap { MaxMindValue.string($0).encoded + $1.encoded }
        case .array(let elements): return Self.control(11, elements.count) + elements.flatMap(\.encoded)
        case .string(let text): return Self.control(2, text.utf8.count) + text.utf8
        case .double(let value): return Self.control(3, 8) + Self.bigEndian(UInt128(value.bitPattern), 8)
        case .float(let value): return Self.control(15, 4) + Self.bigEndian(UInt128(value.bitPattern), 4)
        case .uint16(let value): return Self.shortest(5, UInt128(value))
        case .uint32(let value): return Self.shortest(6, UInt128(value))
        case .uint64(let value): return Self.shortest(9, UInt128(value))
        case .uint128(let value): return Self.shortest(10, value)
        case .int32(let value): return Self.shortest(8, UInt128(UInt32(bitPattern: value)))
        case .boolean(let value): return Self.control(14, value ? 1 : 0)
        case .bytes(let content): return Self.control(4, content.count) + content
        case .pointer(let target): return Self.pointer(target)
        case .raw(let bytes): return bytes
        }
    }

    static func control(_ type: UInt8, _ size: Int) -> [UInt8] {
        var extra: [UInt8] = []
        var low = UInt8(min(size, 29))
        if size >= 65_821 {
            low = 31
            extra = bigEndian(UInt128(size - 65_821), 3)
        } else if size >= 285 {
            low = 30
            extra = bigEndian(UInt128(size - 285), 2)
        } else if size >= 29 {
            extra = [UInt8(size - 29)]
        }
        return (type <= 7 ? [type << 5 | low] : [low, type - 7]) + extra
    }

    /// In the narrowest of the four widths.
    static func pointer(_ target: Int) -> [UInt8] {
        switch target {
        case ..<2048: [0x20 | UInt8(target >> 8), UInt8(target & 255)]
        case ..<526_336: [0x28 | UInt8((target - 2048) >> 16)] + bigEndian(UInt128((target - 2048) & 0xffff), 2)
        case ..<134_744_064:
            [0x30 | UInt8((target - 526_336) >> 24)] + bigEndian(UInt128((target - 526_336) & 0xff_ffff), 3)
        default: [0x38] + bigEndian(UInt128(target), 4)
        }
    }

    private static func shortest(_ type: UInt8, _ value: UInt128) -> [UInt8] {
        let count = (128 - value.leadingZeroBitCount + 7) / 8
        return control(type, count) + bigEndian(value, count)
    }

    static func bigEndian(_ value: UInt128, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt128(8 * (count - 1 - $0))) }
    }
}

/// Writes MaxMind DB files for the tests, straight from the format's description.
struct MaxMindWriter {
    /// What a record of a node leads to.
    private enum Target {
        case nothing
        case node(Int)
        /// An offset in the data.
        case data(Int)
    }

    var recordSize = 28
    var isIPv6 = true
    var majorVersion: UInt16 = 2
    var changedMetadata: [(String, MaxMindValue)] = []
    private(set) var data: [UInt8] = []
    private var nodes: [(left: Target, right: Target)] = [(.nothing, .nothing)]

    init(recordSize: Int = 28, isIPv6: Bool = true) {
        self.recordSize = recordSize
        self.isIPv6 = isIPv6
    }

    /// Appends a value to the data and gives its offset.
    mutating func store(_ value: MaxMindValue) -> Int {
        defer { data += value.encoded }
        return data.count
    }

    /// Leads the network to the value at an offset; wider networks are inserted before those within.
    mutating func insert(_ network: String, offset: Int) {
        let prefix = IPPrefix(network)!
        insert(bits(of: prefix), .data(offset))
    }

    mutating func insert(_ network: String, _ value: MaxMindValue) {
        let offset = store(value)
        insert(network, offset: offset)
    }

    /// Leads the network to the node under which the IPv4 addresses are.
    mutating func alias(_ network: String) {
        var node = 0
        for _ in 0..<96 {
            guard case .node(let next) = nodes[node].left else { preconditionFailure("no IPv4 address yet") }
            node = next
        }
        insert(bits(of: IPPrefix(network)!), .node(node))
    }

    private func bits(of prefix: IPPrefix) -> [Bool] {
        let bytes =
            (isIPv6 && prefix.address.byteCount == 4 ? [UInt8](repeating: 0, count: 12) : []) + prefix.address.bytes
        let length = prefix.length + (bytes.count - prefix.address.byteCount) * 8
        return (0..<length).map { bytes[$0 / 8] >> UInt8(7 - $0 % 8) & 1 == 1 }
    }

    private mutating func insert(_ bits: [Bool], _ target: Target) {
        var node = 0
        for bit in bits.dropLast() {
            let next = bit ? nodes[node].right : nodes[node].left
            if case .node(let existing) = next {
                node = existing
                continue
            }
            // What the network as a whole led to, both halves lead to.
            nodes.append((next, next))
            set(node, bit, .node(nodes.count - 1))
            node = nodes.count - 1
        }
        set(node, bits.last!, target)
    }

    private mutating func set(_ node: Int, _ bit: Bool, _ target: Target) {
        if bit { nodes[node].right = target } else { nodes[node].left = target }
    }

    /// Leads one record to any number, right or wrong.
    mutating func setRecord(_ node: Int, right: Bool, toNode target: Int) { set(node, right, .node(target)) }

    var nodeCount: Int { nodes.count }

    var file: [UInt8] {
        var result: [UInt8] = []
        let number = { (target: Target) -> UInt32 in
            switch target {
            case .nothing: UInt32(nodes.count)
            case .node(let node): UInt32(node)
            case .data(let offset): UInt32(nodes.count + 16 + offset)
            }
        }
        for node in nodes {
            let left = UInt128(number(node.left))
            let right = UInt128(number(node.right))
            switch recordSize {
            case 28:
                result += MaxMindValue.bigEndian(left & 0xff_ffff, 3) + [UInt8((left >> 24) << 4 | right >> 24)]
                result += MaxMindValue.bigEndian(right & 0xff_ffff, 3)
            default:
                result += MaxMindValue.bigEndian(left, recordSize / 8) + MaxMindValue.bigEndian(right, recordSize / 8)
            }
        }
        result += [UInt8](repeating: 0, count: 16) + data
        var metadata: [(String, MaxMindValue)] = [
            ("binary_format_major_version", .uint16(majorVersion)), ("binary_format_minor_version", .uint16(0)),
            ("build_epoch", .uint64(1_700_000_000)), ("database_type", .string("Test")),
            ("description", .map([("en", .string("a test"))])), ("ip_version", .uint16(isIPv6 ? 6 : 4)),
            ("languages", .array([.string("en")])), ("node_count", .uint32(UInt32(nodes.count))),
            ("record_size", .uint16(UInt16(recordSize))),
        ]
        for (name, value) in changedMetadata {
            metadata.removeAll { $0.0 == name }
            metadata.append((name, value))
        }
        return result + [0xab, 0xcd, 0xef] + "MaxMind.com".utf8 + MaxMindValue.map(metadata).encoded
    }
}
