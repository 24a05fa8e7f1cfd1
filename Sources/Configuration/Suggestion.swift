/// "Did you mean": the nearest of known words by edit distance.
enum Suggestion {
    /// The known word that differs least, if few enough edits lead to it; ignores case.
    static func nearest(to word: String, in known: [String]) -> String? {
        let limit = word.utf8.count <= 3 ? 1 : word.utf8.count <= 7 ? 2 : 3
        let lowered = Array(word.lowercased().utf8.prefix(64))
        var best: (word: String, distance: Int)?
        for candidate in known where candidate != word {
            let distance = distance(lowered, Array(candidate.lowercased().utf8.prefix(64)), limit: limit)
            if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.word
    }

    /// `did you mean "x"?`, or the known words, or what there is none of.
    static func advice(for word: String, in known: [String], none: String) -> String {
        if let nearest = nearest(to: word, in: known) { return "did you mean \"\(nearest)\"?" }
        guard !known.isEmpty else { return none }
        let shown = known.prefix(12).joined(separator: ", ")
        return "known here: \(shown)\(known.count > 12 ? ", … (\(known.count) in all)" : "")"
    }

    /// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours count one each.
    static func distance(_ left: [UInt8], _ right: [UInt8], limit: Int) -> Int {
        guard abs(left.count - right.count) <= limit else { return limit + 1 }
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for i in 0..<left.count {
            var row = [i + 1]
            for j in 0..<right.count {
                var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (left[i] == right[j] ? 0 : 1))
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    cost = min(cost, beforeLast[j - 1] + 1)
                }
                row.append(cost)
            }
            beforeLast = last
            last = row
        }
        return last[right.count]
    }
}
