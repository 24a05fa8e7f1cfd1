/// Gives equal places one number; 0 is the place of which nothing is known.
struct PlaceNumbers {
    private(set) var places: [Place] = [Place()]
    private var numbers: [Place: UInt32] = [Place(): 0]

    mutating func number(of place: Place) -> UInt32 {
        if let number = numbers[place] { return number }
        let number = UInt32(places.count)
        places.append(place)
        numbers[place] = number
        return number
    }
}
