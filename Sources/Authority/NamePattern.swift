import DNSWire

/// A steered name with `?` or `*` in its labels, and how names are compared with it.
///
/// `?` stands for one byte of a label and `*` for any number of them, within that label. A first label that is `*` alone
/// stands for one label or more, as a wildcard does. Names that a pattern matches exist, and so do the names above them
/// (RFC 8020), which have no data.
struct NamePattern: BitwiseCopyable {
    /// Where it begins in `AuthorityData.patternBytes`, in lower case.
    let offset: UInt32
    let labelCount: UInt8
    let isOpen: Bool
    /// Position of its entry.
    let node: UInt32

    /// So many are looked at for each name that does not exist otherwise: more per zone are refused.
    static let limit = 64

    enum Verdict {
        case matches
        /// Above names that match.
        case isAbove
        case differs
    }

    /// - Parameters:
    ///   - pattern, name: bytes in wire form and lower case, by position.
    @inline(__always)
    static func compare(
        _ pattern: (Int) -> UInt8, labels patternLabels: Int, isOpen: Bool, _ name: (Int) -> UInt8,
        labels nameLabels: Int
    ) -> Verdict {
        var (at, place) = (0, 0)
        var labels = patternLabels
        var verdict = Verdict.matches
        if nameLabels < patternLabels {
            for _ in nameLabels..<patternLabels { at &+= 1 &+ Int(pattern(at)) }
            labels = nameLabels
            verdict = .isAbove
        } else if isOpen {
            at = 2
            for _ in 0..<(nameLabels &- patternLabels &+ 1) { place &+= 1 &+ Int(name(place)) }
            labels = patternLabels &- 1
        } else if nameLabels > patternLabels {
            return .differs
        }
        for _ in 0..<labels {
            guard isLike(pattern, at, name, place) else { return .differs }
            at &+= 1 &+ Int(pattern(at))
            place &+= 1 &+ Int(name(place))
        }
        return verdict
    }

    /// Compares the label at `place` of a name with the one at `at` of a pattern.
    @inline(__always)
    private static func isLike(_ pattern: (Int) -> UInt8, _ at: Int, _ name: (Int) -> UInt8, _ place: Int) -> Bool {
        let patternEnd = at &+ 1 &+ Int(pattern(at))
        let nameEnd = place &+ 1 &+ Int(name(place))
        var (left, right) = (at &+ 1, place &+ 1)
        // Where to go on when what follows the last `*` does not match.
        var (star, resume) = (-1, 0)
        while right < nameEnd {
            if left < patternEnd, pattern(left) == UInt8(ascii: "*") {
                (star, resume) = (left, right)
                left &+= 1
            } else if left < patternEnd, pattern(left) == UInt8(ascii: "?") || pattern(left) == name(right) {
                left &+= 1
                right &+= 1
            } else if star >= 0 {
                resume &+= 1
                (left, right) = (star &+ 1, resume)
            } else {
                return false
            }
        }
        while left < patternEnd, pattern(left) == UInt8(ascii: "*") { left &+= 1 }
        return left == patternEnd
    }
}

extension DomainName {
    /// How a name compares with this pattern.
    func compare(_ name: DomainName) -> NamePattern.Verdict {
        NamePattern.compare(
            { folded[$0] }, labels: labelCount, isOpen: isWildcard, { name.folded[$0] }, labels: name.labelCount)
    }

    /// Its bytes that are not `?` or `*`: the more, the closer it looks.
    var literalCount: Int { folded.count { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "*") } }
}
