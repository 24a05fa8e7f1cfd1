import Testing
import TrafficModel

@testable import HealthMonitoring

@Suite("Health state machine")
struct HealthStateMachineTests {
    /// `+` and `-` are verdicts; the states after each: `u` up, `d` down.
    @Test(
        "verdicts and states",
        arguments: [
            (2, 3, "+", "u"), (2, 3, "-", "d"),
            (2, 3, "+--+--+", "uuuuuuu"), (2, 3, "+---", "uuud"), (2, 3, "+---+", "uuudd"), (2, 3, "+---++", "uuuddu"),
            (2, 3, "-+-++", "ddddu"), (1, 1, "+-+-", "udud"), (3, 1, "-++-+++", "ddddddu"),
            (0, 0, "+-+", "udu"), (-5, -5, "-+-", "dud"),
        ])
    func table(rise: Int, fall: Int, verdicts: String, states: String) {
        var machine = HealthStateMachine(rise: rise, fall: fall)
        #expect(machine.state == .unknown)
        var seen = ""
        for verdict in verdicts {
            let before = machine.state
            let hasChanged = machine.record(isSuccess: verdict == "+")
            #expect(hasChanged == (before != machine.state))
            seen += machine.state == .up ? "u" : machine.state == .down ? "d" : "?"
        }
        #expect(seen == states)
    }

    @Test("flapping faster than the limits never changes anything", arguments: 2...5)
    func flapping(limit: Int) {
        var machine = HealthStateMachine(rise: limit, fall: limit)
        _ = machine.record(isSuccess: true)
        for index in 0..<200 {
            #expect(machine.record(isSuccess: index % limit == limit - 1) == false)
        }
        #expect(machine.state == .up)
    }

    @Test("goes on from a state with other limits", arguments: [HealthState.unknown, .up, .down])
    func continuing(state: HealthState) {
        var machine = HealthStateMachine(rise: 2, fall: 2, continuing: state)
        #expect(machine.state == state)
        #expect(machine.record(isSuccess: false) == (state == .unknown))
    }
}
