/// A name that exists: it has records, is steered, is delegated, or has such names below it.
struct Node: BitwiseCopyable {
    /// Where the name begins in `AuthorityData.names`, in lower case.
    var name: UInt32
    var nameLength: UInt8
    var isSteered: Bool
    /// Steered, and a zone's apex: types other than A, AAAA and HTTPS are never steered here.
    var isApex: Bool
    var isPoolHost: Bool
    /// Everything below belongs to other servers.
    var isDelegation: Bool
    /// Everything below is found elsewhere: the name has a DNAME (RFC 6672).
    var isRedirection: Bool
    /// Position in `AuthorityData.zones`.
    var zone: UInt32
    /// Position of the wide IP or pool.
    var subject: UInt32
    /// Where its typed answers begin in `AuthorityData.answers`.
    var firstAnswer: UInt32
    var answerCount: UInt32
    /// For types that are not among them: NODATA, a referral, or the end of a CNAME chain.
    var otherAnswer: UInt32
    /// For ANY.
    var anyAnswer: UInt32
    /// The node of `*` below this name, plus one; 0: none. Below a redirection there are no names, and this is where its
    /// record begins in `AuthorityData.bytes`, from its type on.
    var below: UInt32
}

/// The answer for one type at a node.
struct TypedAnswer: BitwiseCopyable {
    var type: UInt16
    /// Position in `AuthorityData.prepared`.
    var prepared: UInt32
}

/// A zone's answers for names and types that do not exist.
struct ZoneAnswers: BitwiseCopyable {
    var noData: UInt32
    var nameError: UInt32
    /// Bytes of the origin in wire form.
    var originLength: UInt8
    /// Its patterns in `AuthorityData.patterns`.
    var firstPattern: UInt32 = 0
    var patternCount: UInt32 = 0
}

/// One place of the open-addressing table from names to nodes.
struct NodeSlot: BitwiseCopyable {
    /// The upper half of the hash, to tell most other names apart without looking at them.
    var tag: UInt32
    /// Position of the node, plus one; 0: free.
    var node: UInt32
}

/// A pool's CNAME target or a virtual server's address, ready to copy.
struct TargetName: BitwiseCopyable {
    /// Where it begins in `AuthorityData.bytes`.
    var offset: UInt32
    /// 0: the pool has no target.
    var length: UInt8
    /// The zone it lies in, plus one; 0: not ours. Its origin is then written as a pointer into the question.
    var zone: UInt32
}

struct TargetAddress: BitwiseCopyable {
    var isV6: Bool
    /// Network order, as 16 bytes load on this machine; IPv4 uses the first four.
    var first: UInt64
    var second: UInt64
}
