/// Counts what happens too often: more than so many times within a span of time.
struct RateWindow {
    let limit: Int
    let span: UInt64
    private var began: UInt64 = 0
    private var count = 0

    init(limit: Int, span: UInt64) {
        self.limit = limit
        self.span = span
    }

    /// - Returns: whether that was one too many.
    mutating func isExceeded(_ now: UInt64) -> Bool {
        if now &- began > span {
            began = now
            count = 0
        }
        count += 1
        return count > limit
    }
}
