import Synchronization
import Testing

@testable import TrafficModel

@Suite("Published values")
struct PublishedTests {
    private final class Numbered: Sendable {
        let number: Int
        /// Always the same as `number`; tells a torn value.
        let copy: Int
        init(_ number: Int) {
            self.number = number
            copy = number
        }
    }

    @Test("a pin keeps its value until it is refreshed")
    func pin() {
        let published = Published(Numbered(1))
        var pin = published.pin()
        published.publish(Numbered(2))
        #expect(pin.value.number == 1)
        published.refresh(&pin)
        #expect(pin.value.number == 2)
        let same = ObjectIdentifier(pin.value)
        published.refresh(&pin)
        #expect(ObjectIdentifier(pin.value) == same)
    }

    @Test("a value nobody pins any more goes")
    func release() {
        weak var old: Numbered?
        let published: Published<Numbered>
        do {
            let first = Numbered(1)
            old = first
            published = Published(first)
        }
        var pin = published.pin()
        published.publish(Numbered(2))
        #expect(old != nil)
        published.refresh(&pin)
        #expect(old == nil)
    }

    @Test("workers see whole values, in order, and the last one in the end")
    func concurrent() async {
        let published = Published(Numbered(0))
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for number in 1...5_000 { published.publish(Numbered(number)) }
                return true
            }
            for _ in 0..<3 {
                group.addTask {
                    var pin = published.pin()
                    var last = 0
                    for _ in 0..<20_000 {
                        published.refresh(&pin)
                        guard pin.value.number >= last, pin.value.number == pin.value.copy else { return false }
                        last = pin.value.number
                    }
                    return true
                }
            }
            for await isRight in group { #expect(isRight) }
        }
        #expect(published.pin().value.number == 5_000)
    }
}
