import Addresses
import Geography

/// Finds, in the country data that is installed, networks that its own look-up places in given countries: addresses
/// move between countries, so none are written down here.
enum ClientNetworks {
    /// A /24 that lies in the country as a whole, for each code; countries that the data does not know are missing.
    static func find(_ countries: [String], in geography: GeographyDatabase) -> [String: IPPrefix] {
        var found: [String: IPPrefix] = [:]
        var wanted = Set(countries)
        for step in UInt32(0)..<65536 where !wanted.isEmpty {
            // An odd stride visits every /16 once, far from the one before: neighbours often share a country.
            let block = step &* 40503 & 0xFFFF
            guard (1...223).contains(block >> 8), block >> 8 != 10, block >> 8 != 127 else { continue }
            let network = block << 16 | 64 << 8
            guard let country = geography.place(of: .v4(network)).country, wanted.contains(country),
                geography.place(of: .v4(network | 127)).country == country,
                geography.place(of: .v4(network | 255)).country == country,
                let prefix = IPPrefix(.v4(network), length: 24)
            else { continue }
            found[country] = prefix
            wanted.remove(country)
        }
        return found
    }
}
