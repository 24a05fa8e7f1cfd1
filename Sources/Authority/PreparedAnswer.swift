import FlatTables

/// An answer made when the configuration was compiled: everything between the question and OPT.
struct PreparedAnswer: BitwiseCopyable {
    /// Where its bytes begin in `AuthorityData.bytes`.
    var offset: UInt32
    var length: UInt32
    /// Where its pointers begin in `AuthorityData.pointers`. Each is the place, in the answer, of two bytes that hold a
    /// distance from the end of the question's name; a compression pointer to there goes in their place. Only answers
    /// for names that are not known beforehand (wildcards, negative answers, referrals) have any.
    var firstPointer: UInt32
    var pointerCount: UInt16
    var answers: UInt16
    var authorities: UInt16
    var additionals: UInt16
    var outcome: Outcome
    /// NOERROR, NXDOMAIN or YXDOMAIN.
    var responseCode: UInt8
    var isAuthoritative: Bool
    /// Places where it may end early, because what follows is not required (RFC 2181 section 9); 0: only whole. They
    /// stand behind its pointers, shortest first, each as the four numbers of an ``AnswerPart``.
    var cutCount: UInt8

    /// All of it.
    @inline(__always)
    var whole: AnswerPart {
        AnswerPart(
            length: length, pointerCount: pointerCount, authorities: authorities, additionals: additionals)
    }

    /// As much of it as fits into `room` bytes; all of it when nothing does.
    func part(fitting room: Int, _ table: FlatTable<UInt16>) -> AnswerPart {
        guard Int(length) > room else { return whole }
        let cuts = Int(firstPointer) &+ Int(pointerCount)
        var index = Int(cutCount)
        while index > 0 {
            index &-= 1
            let place = cuts &+ 4 &* index
            if Int(table[place]) <= room {
                return AnswerPart(
                    length: UInt32(table[place]), pointerCount: table[place &+ 1], authorities: table[place &+ 2],
                    additionals: table[place &+ 3])
            }
        }
        return whole
    }
}

/// The beginning of a prepared answer, up to the end of one of its record sets. All of its answer section is in it.
struct AnswerPart: BitwiseCopyable {
    var length: UInt32
    var pointerCount: UInt16
    var authorities: UInt16
    var additionals: UInt16
}

/// What became of a query, as it is counted.
package enum Outcome: UInt8, Sendable, CaseIterable, BitwiseCopyable {
    /// NOERROR with data.
    case answered
    /// NOERROR without.
    case noData
    case nameError
    case referral
    case refused
    /// SERVFAIL, YXDOMAIN, or the code that an all-down policy asks for.
    case failure
    case formatError
    case notImplemented
    case badVersion
    /// A matter of DNS cookies and nothing else: BADCOOKIE, a cookie without a question, or TC for the want of one.
    case cookie
    /// No answer was sent: too short, a response, or from port 0.
    case dropped

    /// The name of the RCODE of a response with this outcome (RFC 6895 section 2.3).
    ///
    /// - Parameter code: its low four bits, as they stand in the header.
    package func codeName(_ code: Int) -> StaticString {
        switch (self, code) {
        case (.badVersion, _): "BADVERS"
        case (.cookie, 7): "BADCOOKIE"
        case (_, 0): "NOERROR"
        case (_, 1): "FORMERR"
        case (_, 2): "SERVFAIL"
        case (_, 3): "NXDOMAIN"
        case (_, 4): "NOTIMP"
        case (_, 5): "REFUSED"
        case (_, 6): "YXDOMAIN"
        default: "OTHER"
        }
    }
}
