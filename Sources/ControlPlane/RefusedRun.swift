import TrafficModel

/// A run of a window, or its opening, that may not begin.
struct RefusedRun {
    var run: WindowRun
    var reasons: [String]
    /// In which that was found.
    var epoch: UInt64
}
