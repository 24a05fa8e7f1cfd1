import TestSupport
import Testing

@testable import ControlPlane

@Suite("The line of changes")
struct TurnstileTests {
    private static let line = 8

    private func wait(until condition: () -> Bool) async {
        #expect(await Patience.lasts(until: condition))
    }

    @Test("as many are in at once as there are places, and who leaves makes room for the next")
    func places() async {
        let turnstile = Turnstile(places: 2, line: 0)
        #expect(await turnstile.enter() == .entered)
        #expect(await turnstile.enter() == .entered)
        #expect(await turnstile.enter() == .full, "there is no line to wait in")
        #expect(turnstile.refusedCount == 1)
        turnstile.leave()
        #expect(await turnstile.enter() == .entered)
        #expect(await turnstile.enter() == .full)
    }

    @Test("so many wait, and one more is turned away and counted; the node itself always waits")
    func limit() async {
        let turnstile = Turnstile(line: Self.line)
        #expect(await turnstile.enter() == .entered)
        await withTaskGroup(of: Turnstile.Entry.self) { group in
            for _ in 0..<Self.line + 1 {
                group.addTask {
                    let entry = await turnstile.enter()
                    if entry == .entered { turnstile.leave() }
                    return entry
                }
            }
            // All but one wait: the one ends at once, whichever it is.
            let first = await group.next()
            #expect(first == .full)
            #expect(turnstile.refusedCount == 1)
            group.addTask {
                await turnstile.enterAnyway()
                turnstile.leave()
                return .entered
            }
            turnstile.leave()
            var served = 0
            for await entry in group where entry == .entered { served += 1 }
            #expect(served == Self.line + 1)
        }
        #expect(await turnstile.enter() == .entered, "it is free again")
    }

    @Test(
        "who goes away leaves the line, and the turn goes to the next; nobody is counted as turned away",
        .timeLimit(.minutes(5)), arguments: [true, false])
    func departure(isCancelled: Bool) async {
        let turnstile = Turnstile(line: Self.line)
        #expect(await turnstile.enter() == .entered)
        let presence = Presence()
        let leaver = Task { await Presence.$current.withValue(presence) { await turnstile.enter() } }
        await wait { turnstile.waitingCount == 1 }
        let next = Task { await turnstile.enter() }
        await wait { turnstile.waitingCount == 2 }
        if isCancelled { leaver.cancel() } else { presence.end() }
        #expect(await leaver.value == .gone)
        #expect(turnstile.waitingCount == 1)
        #expect(presence.watcherCount == 0, "nothing is kept of those who wait no more")
        turnstile.leave()
        #expect(await next.value == .entered)
        turnstile.leave()
        #expect(turnstile.refusedCount == 0)
    }

    @Test("who had gone before gets a free place, but does not stand in the line", .timeLimit(.minutes(5)))
    func goneBefore() async {
        let turnstile = Turnstile(line: Self.line)
        let presence = Presence()
        presence.end()
        await Presence.$current.withValue(presence) {
            #expect(await turnstile.enter() == .entered)
            #expect(await turnstile.enter() == .gone)
        }
    }

    @Test("the node itself is not to be called out of the line", .timeLimit(.minutes(5)))
    func node() async {
        let turnstile = Turnstile(line: 0)
        #expect(await turnstile.enter() == .entered)
        let node = Task { await turnstile.enterAnyway() }
        await wait { turnstile.waitingCount == 1 }
        node.cancel()
        #expect(turnstile.waitingCount == 1)
        turnstile.leave()
        await node.value
        #expect(await turnstile.enter() == .full, "it has the place")
    }

    @Test("turns are given once, however those who wait come and go", .timeLimit(.minutes(5)))
    func churn() async {
        let turnstile = Turnstile(places: 2, line: 64)
        let entered = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<500 {
                group.addTask {
                    let task = Task {
                        guard await turnstile.enter() == .entered else { return false }
                        await Task.yield()
                        turnstile.leave()
                        return true
                    }
                    if index % 3 == 0 { task.cancel() }
                    return await task.value
                }
            }
            var count = 0
            for await isIn in group where isIn { count += 1 }
            return count
        }
        #expect(entered > 0)
        #expect(turnstile.waitingCount == 0)
        #expect(await turnstile.enter() == .entered)
        #expect(await turnstile.enter() == .entered, "both places are free again")
    }
}
