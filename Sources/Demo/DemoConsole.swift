import NIOPosix

/// A person at the demo: keys and commands in, the view out.
struct DemoConsole: Sendable {
    private let stage: DemoStage
    private var view = DemoView()
    private var keys = KeyReader()

    /// Between two redraws without input.
    static let refresh: Duration = .milliseconds(250)

    init(stage: DemoStage) {
        self.stage = stage
        view.link = stage.plan.dashboard?.link
        view.selection = stage.plan.regions.first.map { .region($0.name) }
    }

    // MARK: On a terminal

    /// Runs until the person quits or the task is cancelled.
    mutating func run(on terminal: consuming Terminal) async {
        var frame = await stage.status()
        while !Task.isCancelled {
            let size = terminal.size
            terminal.draw(view.lines(frame, rows: size.rows, columns: size.columns))
            guard let input = await Self.read(Self.refresh) else { return }
            for key in keys.keys(input) where await press(key) == .quit { return }
            frame = await stage.status()
        }
    }

    private enum Outcome { case stay, quit }

    private mutating func press(_ key: KeyReader.Key) async -> Outcome {
        if key == .interrupt { return .quit }
        if let prompt = view.prompt { return await type(key, prompt: prompt) }
        let target = view.selection
        switch key {
        case .up, .down, .left, .right:
            view.selection = DemoSelection.move(from: target, key: key, in: stage.plan)
        case .character("q"): return .quit
        case .character(":"), .character("/"): view.prompt = ""
        case .character("?"), .character("h"): view.showsHelp.toggle()
        case .character("a"): await perform(.revive(.everything))
        case .character("k"): if let target { await perform(.kill(target)) }
        case .character("r"): if let target { await perform(.revive(target)) }
        case .character("d"):
            if let target { await perform(await stage.isDrained(target) ? .resume(target) : .drain(target)) }
        default: break
        }
        return .stay
    }

    private mutating func type(_ key: KeyReader.Key, prompt: String) async -> Outcome {
        switch key {
        case .character(let character) where prompt.count < 60: view.prompt = prompt + String(character)
        case .backspace: view.prompt = prompt.isEmpty ? nil : String(prompt.dropLast())
        case .escape: view.prompt = nil
        case .enter:
            view.prompt = nil
            return await enter(prompt)
        default: break
        }
        return .stay
    }

    // MARK: As lines

    /// The same without a screen: a line of status now and then, commands as lines of standard input.
    mutating func runPlain(every period: Duration = .seconds(2)) async {
        if let link = stage.plan.dashboard?.link { print("dashboard: \(link)") }
        print(DemoCommand.usage)
        for line in stage.suggestions { print(line) }
        var typed: [UInt8] = []
        var isOpen = true
        var next = ContinuousClock.now
        while !Task.isCancelled {
            if .now >= next {
                print(view.summary(await stage.status()))
                next = .now + period
            }
            guard isOpen else {
                do { try await ContinuousClock().sleep(until: next) } catch { return }
                continue
            }
            guard let input = await Self.read(Self.refresh) else {
                // The end of input ends the commands, not the demo.
                isOpen = false
                continue
            }
            typed += input
            while let end = typed.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: typed[..<end], as: UTF8.self)
                typed.removeSubrange(...end)
                if await enter(line) == .quit { return }
                if let notice = view.notice { print(notice) }
                if view.showsHelp { print(DemoCommand.usage) }
                view.showsHelp = false
            }
        }
    }

    private func print(_ line: String) { Terminal.write(line + "\n") }

    // MARK: Commands

    private mutating func enter(_ line: String) async -> Outcome {
        view.notice = nil
        do {
            guard let command = try DemoCommand.parse(line, in: stage.plan) else { return .stay }
            if command == .quit { return .quit }
            await perform(command)
        } catch {
            view.notice = error.reason
        }
        return .stay
    }

    private mutating func perform(_ command: DemoCommand) async {
        do {
            switch command {
            case .kill(let target):
                try await stage.kill(target)
                view.notice = "\(target.name) is dead; its monitors notice within \(stage.plan.timing.detection.tenths)"
            case .revive(let target):
                try await stage.revive(target)
                view.notice = "\(target.name) is alive; its monitors say so within \(stage.plan.timing.recovery.tenths)"
            case .drain(let target):
                await stage.drain(target)
                view.notice =
                    "\(target.name) takes nothing new; clients move as their TTL of \(stage.plan.timing.ttl) s ends"
            case .resume(let target):
                await stage.resume(target)
                view.notice = "\(target.name) takes new work again"
            case .help: view.showsHelp.toggle()
            case .quit: break
            }
        } catch {
            view.notice = error.reason
        }
    }

    /// Reads on a thread that may block.
    private static func read(_ timeout: Duration) async -> [UInt8]? {
        // Only a pool that was shut down refuses, and then the process is ending.
        try? await NIOThreadPool.singleton.runIfActive {
            Terminal.read(milliseconds: Int32(timeout.milliseconds))
        }
    }
}
