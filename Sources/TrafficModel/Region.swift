package import DNSWire

/// A place with virtual servers: a data centre, a cloud region.
package struct Region: Sendable, Hashable {
    package var name: String
    /// The regional host name, which resolves to the region's virtual servers; pools of the region answer with a
    /// CNAME to it unless they name another.
    package var host: DomainName?
    package var location: Location?
    /// Makes it look nearer, by this part of each distance, or further away below 0: -0.99...0.99.
    package var bias = 0.0
    /// Of its virtual servers without a rule of their own.
    package var failback: Failback?

    package init(name: String, host: DomainName? = nil, location: Location? = nil) {
        self.name = name
        self.host = host
        self.location = location
    }
}

/// Degrees, WGS 84.
package struct Location: Sendable, Hashable {
    /// -90...90.
    package var latitude: Double
    /// -180...180.
    package var longitude: Double

    package init(latitude: Double, longitude: Double) {
        self.latitude = latitude
        self.longitude = longitude
    }
}
