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
    /// NOERROR or NXDOMAIN.
    var responseCode: UInt8
    var isAuthoritative: Bool
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
    /// SERVFAIL, or the code that an all-down policy asks for.
    case failure
    case formatError
    case notImplemented
    case badVersion
    /// No answer was sent: too short, a response, or from port 0.
    case dropped
}
