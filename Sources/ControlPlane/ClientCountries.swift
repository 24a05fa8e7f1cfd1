import Addresses
package import Geography

/// Finds the country of a client, for those who watch where clients are sent. Answers to queries do not need it.
package struct ClientCountries: Sendable {
    private let table: PrefixTable
    /// By value of the table; the first stands for places without a country.
    private let codes: [String]

    /// - Parameter geography: empty: no country is known.
    package init(_ geography: GeographyDatabase) {
        var codes = [""]
        var numbers: [String: UInt32] = [:]
        table = geography.table { place in
            guard let country = place.country else { return 0 }
            if let known = numbers[country] { return known }
            let number = UInt32(codes.count)
            codes.append(country)
            numbers[country] = number
            return number
        }
        self.codes = codes
    }

    /// ISO 3166-1 alpha-2; `nil`: not known.
    func country(of address: IPAddress) -> String? {
        let value = Int(table.lookup(address).value)
        return value > 0 && value < codes.count ? codes[value] : nil
    }
}
