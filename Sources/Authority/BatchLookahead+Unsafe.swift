import DNSWire
import FlatTables
import Steering

/// Loads what the answers to a batch of queries will need into the cache, for all of them at once.
///
/// Each look-up waits three times for memory when the names are many: for its place in the hash table, for the name's
/// entry, for the answer. The waits of one query follow from each other, but those of several queries need not follow
/// one another. Nothing depends on what is guessed here: a message that is not a query, or a name that only a wildcard
/// stands for, is answered as well, only later.
@safe
package struct BatchLookahead: ~Copyable {
    private struct Guess: BitwiseCopyable {
        var hash: UInt64
        /// Position of the entry; -1: none.
        var entry: Int
    }

    private let guesses: UnsafeMutablePointer<Guess>
    private let capacity: Int
    private var count = 0

    /// - Parameter capacity: messages in a batch.
    package init(capacity: Int) {
        self.capacity = capacity
        unsafe guesses = .allocate(capacity: capacity)
    }

    deinit { unsafe guesses.deallocate() }

    /// A message of the batch. What is beyond the capacity is not looked at.
    @inline(__always)
    package mutating func add(_ message: RawSpan, snapshot: AuthoritySnapshot) {
        let data = snapshot.data
        guard count < capacity, let hash = NameHash.hash(questionOf: message, seed: data.seed) else { return }
        data.prefetchSlot(hash)
        // count < capacity.
        unsafe (guesses + count).initialize(to: Guess(hash: hash, entry: -1))
        count &+= 1
    }

    /// All messages of the batch were added.
    package mutating func run(snapshot: AuthoritySnapshot) {
        let data = snapshot.data
        let steering = snapshot.steering
        // `count` guesses are initialised.
        for index in 0..<count {
            unsafe guesses[index].entry = data.prefetchEntry(guesses[index].hash) ?? -1
        }
        for index in 0..<count {
            let entry = unsafe guesses[index].entry
            guard entry >= 0 else { continue }
            let node = data.nodes[entry]
            if node.isSteered, !node.isPoolHost {
                steering.prefetch(wideIP: Int(node.subject))
            } else {
                data.nodes.prefetchAnswer(at: entry, node, of: data.prepared)
            }
        }
        count = 0
    }
}
