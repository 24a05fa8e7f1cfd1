/// Where a network is, as far as the geography sources say. All unknown is a place too.
package struct Place: Hashable, Sendable {
    /// ISO 3166-1 alpha-2, upper case.
    package var country: String?
    /// AF, AN, AS, EU, NA, OC or SA.
    package var continent: String?
    /// The part of an ISO 3166-2 code after the country: `CA` for California.
    package var subdivision: String?
    /// English name.
    package var city: String?
    package var coordinates: Coordinates?
    /// The autonomous system that announces the network.
    package var asn: UInt32?
    /// The access provider, as the source names it.
    package var isp: String?
    /// The region that a network list gives the network.
    package var network: String?

    package init(
        country: String? = nil, continent: String? = nil, subdivision: String? = nil, city: String? = nil,
        coordinates: Coordinates? = nil, asn: UInt32? = nil, isp: String? = nil, network: String? = nil
    ) {
        self.country = country
        self.continent = continent
        self.subdivision = subdivision
        self.city = city
        self.coordinates = coordinates
        self.asn = asn
        self.isp = isp
        self.network = network
    }

    /// Degrees, WGS 84.
    package struct Coordinates: Hashable, Sendable {
        /// -90...90.
        package var latitude: Double
        /// -180...180.
        package var longitude: Double

        package init(latitude: Double, longitude: Double) {
            self.latitude = latitude
            self.longitude = longitude
        }
    }
}

extension Place {
    /// What is known when `later` is read after `self`. Country, city and the like go together, so that the city of
    /// one source is never combined with the country of another; the AS number, the provider and the network's region stand alone.
    func updated(by later: Place) -> Place {
        var result = self
        if later.country != nil || later.continent != nil || later.coordinates != nil {
            result = later
            result.asn = asn
            result.isp = isp
            result.network = network
        }
        if let asn = later.asn { result.asn = asn }
        if let isp = later.isp { result.isp = isp }
        if let network = later.network { result.network = network }
        return result
    }
}
