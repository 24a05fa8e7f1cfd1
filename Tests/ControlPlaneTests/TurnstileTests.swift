import Testing

@testable import ControlPlane

@Suite("The line of changes")
struct TurnstileTests {
    @Test("so many wait, and one more is turned away and counted; the node itself always waits")
    func limit() async {
        let turnstile = Turnstile()
        #expect(await turnstile.enter())
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<Turnstile.lineLimit + 1 {
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
            #expect(served == Turnstile.lineLimit + 1)
        }
        #expect(await turnstile.enter(), "it is free again")
    }
}
