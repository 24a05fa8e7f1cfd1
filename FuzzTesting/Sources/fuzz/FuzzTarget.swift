/// Something that reads bytes from outside. `run` ends the process when a property does not hold.
protocol FuzzTarget: AnyObject, SendableMetatype {
    static var name: String { get }
    /// Inputs that reach far, to begin with.
    static var seeds: [[UInt8]] { get }
    /// What the format is made of; libFuzzer inserts them.
    static var words: [[UInt8]] { get }

    init()
    func run(_ input: Span<UInt8>)
}

extension Span<UInt8> {
    /// A copy of what is at `start` and behind it.
    func array(from start: Int = 0) -> [UInt8] { (min(start, count)..<count).map { self[$0] } }
}

/// Ends the process, in every build, when a property does not hold.
func require(_ holds: Bool, _ property: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line) {
    if !holds { fatalError("does not hold: \(property())", file: file, line: line) }
}
