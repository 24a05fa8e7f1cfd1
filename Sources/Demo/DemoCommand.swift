/// What a person at the demo can ask for, typed or by key.
enum DemoCommand: Hashable, Sendable {
    case kill(DemoTarget)
    case revive(DemoTarget)
    case drain(DemoTarget)
    /// Ends a drain.
    case resume(DemoTarget)
    case help
    case quit

    static let usage = """
        kill NAME | revive NAME | drain NAME | resume NAME | help | quit   (short: k r d u h q)
        NAME: a region (eu), a VIP (eu-1), a member (eu-1-2) or all
        """

    /// Why a line is no command, in words for the person who typed it.
    struct Mistake: Error, Equatable { var reason: String }

    /// Reads a line of words; `nil` for an empty one.
    static func parse(_ line: String, in plan: DemoPlan) throws(Mistake) -> DemoCommand? {
        let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" }).map { $0.lowercased() }
        guard let verb = words.first else { return nil }
        switch verb {
        case "h", "help", "?": return .help
        case "q", "quit", "exit": return .quit
        default: break
        }
        let make: (DemoTarget) -> DemoCommand
        switch verb {
        case "k", "kill": make = { .kill($0) }
        case "r", "revive": make = { .revive($0) }
        case "d", "drain": make = { .drain($0) }
        case "u", "resume", "undrain": make = { .resume($0) }
        default: throw Mistake(reason: "no command \"\(verb)\"; try: kill, revive, drain, resume, help, quit")
        }
        guard words.count == 2 else {
            throw Mistake(reason: "\(verb) what? Name a region (eu), a VIP (eu-1), a member (eu-1-2) or all")
        }
        guard let target = DemoTarget(words[1], in: plan) else {
            throw Mistake(reason: "nothing is called \"\(words[1])\"; names are like eu, eu-1, eu-1-2, or all")
        }
        return make(target)
    }
}
