import Testing

@testable import ControlPlane

@Suite("The line of changes")
struct TurnstileTests {
    private static let line = 8

    @Test("as many are in at once as there are places, and who leaves makes room for the next")
    func places() async {
        let turnstile = Turnstile(places: 2, line: 0)
        #expect(await turnstile.enter())
        #expect(await turnstile.enter())
        #expect(await !turnstile.enter(), "there is no line to wait in")
        #expect(turnstile.refusedCount == 1)
        turnstile.leave()
        #expect(await turnstile.enter())
        #expect(await !turnstile.enter())
    }

    @Test("so many wait, and one more is turned away and counted; the node itself always waits")
    func limit() async {
        let turnstile = Turnstile(line: Self.line)
        #expect(await turnstile.enter())
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<Self.line + 1 {
                group.addTask {
                    let entered = await turnstile.enter()
                    if entered { turnstile.leave() }
                    return entered
                }
            }
            // All but one wait: the one ends at once, whichever it is.
            let first = await group.next()
            #expect(first == false)
            #expect(turnstile.refusedCount == 1)
            group.addTask {
                await turnstile.enterAnyway()
                turnstile.leave()
                return true
            }
            turnstile.leave()
            var served = 0
            for await entered in group where entered { served += 1 }
            #expect(served == Self.line + 1)
        }
        #expect(await turnstile.enter(), "it is free again")
    }
}
