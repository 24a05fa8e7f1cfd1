/// Elements in the order in which they came. Each can be taken out wherever it stands, at the same cost: it is known by
/// its place, which stays the same as long as it is there.
struct ArrivalList<Element> {
    private struct Place {
        var element: Element?
        var previous: Int
        /// Of a place that is free: the next such.
        var next: Int
    }

    private static var nowhere: Int { -1 }

    private var places: [Place] = []
    private var head = Self.nowhere
    private var tail = Self.nowhere
    private var free = Self.nowhere
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    var first: Element? { head == Self.nowhere ? nil : places[head].element }

    /// - Returns: the element's place.
    mutating func append(_ element: Element) -> Int {
        let made = Place(element: element, previous: tail, next: Self.nowhere)
        let index = free
        if index == Self.nowhere {
            places.append(made)
        } else {
            free = places[index].next
            places[index] = made
        }
        let place = index == Self.nowhere ? places.count - 1 : index
        if tail == Self.nowhere { head = place } else { places[tail].next = place }
        tail = place
        count += 1
        return place
    }

    /// Takes out what stands at a place that ``append(_:)`` returned, and that is not free since.
    mutating func remove(at place: Int) {
        guard count > 1 else {
            // The memory of a rush goes with it.
            self = ArrivalList()
            return
        }
        let (previous, next) = (places[place].previous, places[place].next)
        if previous == Self.nowhere { head = next } else { places[previous].next = next }
        if next == Self.nowhere { tail = previous } else { places[next].previous = previous }
        places[place] = Place(element: nil, previous: Self.nowhere, next: free)
        free = place
        count -= 1
    }

    func forEach(_ body: (Element) -> Void) {
        var place = head
        while place != Self.nowhere {
            if let element = places[place].element { body(element) }
            place = places[place].next
        }
    }
}
