/// The candidates of a decision while its stages run: what is left, in order, and with which shares. They are on the
/// stack of the decision, and nothing is copied or initialised that is not used.
@safe
struct Candidates: ~Copyable {
    /// More pools in a wide IP or virtual servers in a pool are refused: a set of candidates is a word of bits.
    static let capacity = 64

    /// Positions among the program's candidates; `count` are set. Every index below is less than `count`, which
    /// `append` keeps at `capacity` at most, and every candidate is less than `capacity`, which `append` checks.
    private let list: UnsafeMutablePointer<UInt8>
    /// By position among the program's candidates; without meaning unless `isWeighted`.
    private let weights: UnsafeMutablePointer<UInt32>
    private(set) var count = 0
    private(set) var isWeighted = false

    @inline(__always)
    private init(list: UnsafeMutablePointer<UInt8>, weights: UnsafeMutablePointer<UInt32>) {
        unsafe self.list = unsafe list
        unsafe self.weights = unsafe weights
    }

    /// Room for candidates, for as long as `body` runs.
    @inline(__always)
    static func with<Result>(_ body: (inout Candidates) -> Result) -> Result {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { list in
            unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: capacity) { weights in
                guard let list = list.baseAddress, let weights = weights.baseAddress else {
                    preconditionFailure("an allocation of \(capacity) elements has an address")
                }
                var candidates = unsafe Candidates(list: list, weights: weights)
                return body(&candidates)
            }
        }
    }

    /// For explanations.
    var positions: [Int] { (0..<count).map { self[$0] } }

    /// The share of a candidate; 1 where nothing was weighed.
    func weight(of candidate: Int) -> UInt32 {
        guard isWeighted, candidate < Self.capacity else { return 1 }
        return unsafe weights[candidate]
    }

    @inline(__always)
    subscript(index: Int) -> Int { unsafe Int(list[index]) }

    @inline(__always)
    mutating func removeAll() {
        count = 0
        isWeighted = false
    }

    @inline(__always)
    mutating func append(_ candidate: Int) {
        precondition(count < Self.capacity && candidate < Self.capacity)
        unsafe list[count] = UInt8(truncatingIfNeeded: candidate)
        count &+= 1
    }

    // MARK: Filters

    /// `false`, with nothing changed, when none would stay.
    @inline(__always)
    mutating func keep(where isKept: (Int) -> Bool) -> Bool {
        var kept = 0
        for index in 0..<count {
            let candidate = unsafe list[index]
            if isKept(Int(candidate)) {
                unsafe list[kept] = candidate
                kept &+= 1
            }
        }
        guard kept > 0 else { return false }
        count = kept
        return true
    }

    @inline(__always)
    mutating func take(_ limit: Int) { count = min(count, limit) }

    @inline(__always)
    mutating func clear() { count = 0 }

    // MARK: Orders

    /// Smallest key first; equal ones keep their order.
    @inline(__always)
    mutating func sort(by key: (Int) -> UInt32) {
        guard count > 1 else { return }
        for index in 1..<count {
            let candidate = unsafe list[index]
            let own = key(Int(candidate))
            var hole = index
            while hole > 0, unsafe key(Int(list[hole &- 1])) > own {
                unsafe list[hole] = list[hole &- 1]
                hole &-= 1
            }
            unsafe list[hole] = candidate
        }
    }

    /// As ``sort(by:)``, among the places held by candidates whose key is not `unknown`; the others stay where they are.
    @inline(__always)
    mutating func sortKnown(unknown: UInt32, by key: (Int) -> UInt32) {
        for index in 0..<count {
            let candidate = unsafe list[index]
            let own = key(Int(candidate))
            guard own != unknown else { continue }
            // Moves left over the places of the known.
            var hole = index
            var before = index &- 1
            while before >= 0 {
                let other = unsafe key(Int(list[before]))
                if other != unknown {
                    guard other > own else { break }
                    unsafe list[hole] = list[before]
                    hole = before
                }
                before &-= 1
            }
            unsafe list[hole] = candidate
        }
    }

    @inline(__always)
    private mutating func move(from index: Int, to place: Int) {
        let candidate = unsafe list[index]
        var at = index
        while at > place {
            unsafe list[at] = list[at &- 1]
            at &-= 1
        }
        unsafe list[place] = candidate
    }

    @inline(__always)
    private mutating func reverse(_ first: Int, _ end: Int) {
        var (low, high) = (first, end &- 1)
        while low < high {
            let candidate = unsafe list[low]
            unsafe list[low] = list[high]
            unsafe list[high] = candidate
            low &+= 1
            high &-= 1
        }
    }

    @inline(__always)
    mutating func rotate(_ sequence: UInt64) {
        guard count > 1 else { return }
        let start = Int(truncatingIfNeeded: Spread.position(sequence, of: UInt64(count)))
        guard start > 0 else { return }
        // Three reversals.
        reverse(0, start)
        reverse(start, count)
        reverse(0, count)
    }

    // MARK: Shares

    @inline(__always)
    mutating func weigh(by weight: (Int) -> UInt32) {
        for index in 0..<count {
            let candidate = unsafe Int(list[index])
            guard isWeighted else {
                unsafe weights[candidate] = weight(candidate)
                continue
            }
            let (product, overflow) = unsafe weights[candidate].multipliedReportingOverflow(by: weight(candidate))
            unsafe weights[candidate] = overflow ? .max : product
        }
        isWeighted = true
    }

    /// Of the candidates from the place `first` on.
    @inline(__always)
    func totalWeight(from first: Int = 0) -> UInt64 {
        guard isWeighted else { return 0 }
        var total: UInt64 = 0
        for index in first..<count { unsafe total &+= UInt64(weights[Int(list[index])]) }
        return total
    }

    /// Puts as many drawn candidates first as are needed. All shares zero means equal shares; else those without a
    /// share leave once they are all that is left to draw.
    @inline(__always)
    mutating func draw(_ sequence: UInt64, needed: Int) {
        let picks = min(needed, count)
        var picked = 0
        while picked < picks {
            let total = totalWeight(from: picked)
            if total == 0, isWeighted, picked > 0 {
                count = picked
                return
            }
            // The first is spread evenly over the sequence, the others over what the first leaves open.
            let number = picked == 0 ? sequence : StableHash.mix(sequence &+ UInt64(picked) << 56)
            var index = picked
            if total > 0 {
                var position = Spread.position(number, of: total)
                while index < count &- 1 {
                    let weight = unsafe UInt64(weights[Int(list[index])])
                    if position < weight { break }
                    position &-= weight
                    index &+= 1
                }
            } else {
                index &+= Int(truncatingIfNeeded: Spread.position(number, of: UInt64(count &- picked)))
            }
            move(from: index, to: picked)
            picked &+= 1
        }
    }

    /// Puts as many candidates first as are needed, in the order of their hashes with the client's network.
    @inline(__always)
    mutating func persist(_ network: UInt64, needed: Int, seed: (Int) -> UInt64) {
        guard count > 1 else { return }
        let picks = min(needed, count)
        var picked = 0
        while picked < picks {
            var best = -1
            if isWeighted {
                best = lightest(network, from: picked, seed: seed)
                if best < 0, picked > 0 {
                    count = picked
                    return
                }
            }
            if best < 0 {
                best = picked
                var bestHash: UInt64 = 0
                for index in picked..<count {
                    let hash = StableHash.mix(network ^ seed(self[index]))
                    if hash > bestHash {
                        best = index
                        bestHash = hash
                    }
                }
            }
            move(from: best, to: picked)
            picked &+= 1
        }
    }

    /// The place whose hash is the smallest for its share; -1: nobody has a share.
    @inline(__always)
    private func lightest(_ network: UInt64, from first: Int, seed: (Int) -> UInt64) -> Int {
        var best = -1
        var bestCost = 0.0
        var bestWeight = 1.0
        for index in first..<count {
            let weight = unsafe weights[self[index]]
            guard weight > 0 else { continue }
            let cost = StableHash.exponential(StableHash.mix(network ^ seed(self[index])))
            // cost / weight < bestCost / bestWeight, without dividing.
            if best < 0 || cost * bestWeight < bestCost * Double(weight) {
                best = index
                bestCost = cost
                bestWeight = Double(weight)
            }
        }
        return best
    }
}
