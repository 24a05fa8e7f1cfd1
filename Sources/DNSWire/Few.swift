/// Elements of which there is most often one: it costs no allocation.
struct Few<Element>: RandomAccessCollection, MutableCollection {
    private var head: Element?
    private var tail: [Element] = []

    init() {}
    init(_ element: Element) { head = element }

    var startIndex: Int { 0 }
    var endIndex: Int { head == nil ? 0 : 1 + tail.count }

    subscript(position: Int) -> Element {
        get {
            if position == 0, let head { return head }
            return tail[position - 1]
        }
        // In place, for the elements hold arrays and sets.
        _modify {
            if position == 0 { yield &head! } else { yield &tail[position - 1] }
        }
    }

    mutating func append(_ element: Element) {
        if head == nil { head = element } else { tail.append(element) }
    }

    mutating func removeAll() {
        head = nil
        tail = []
    }
}
