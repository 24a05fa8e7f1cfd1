internal import DNSWire
internal import TrafficModel

/// `regions:`.
enum RegionSection {
    static let host = Shape<DomainName>.domainName.located.field(
        "host", "The regional host name. The region's pools answer with a CNAME to it unless they name another.")
    static let location = locationShape.field("location", "Where the region is.")

    static let bias = Shape<Double>.signedShare(-99...99).field(
        "bias", default: 0, "Makes it look nearer to `nearest` by this share of each distance; below 0, further away.")
    static let failback = FailbackSection.shape.field(
        "failback", "What its virtual servers must show before they are used again, unless they say so themselves.")

    static let latitude = Shape<Double>.decimal(-90...90).field("latitude", required: true, "Degrees north.")
    static let longitude = Shape<Double>.decimal(-180...180).field("longitude", required: true, "Degrees east.")

    static let locationModel = ObjectModel(
        title: "regions.NAME.location", summary: "WGS 84, in degrees.",
        fields: [latitude.description, longitude.description])

    private static let locationShape = Shape<Location>(.object(locationModel)) { node, context in
        guard let reader = ObjectReader(locationModel, node, context) else { return nil }
        let (first, second) = (reader.read(latitude, context), reader.read(longitude, context))
        guard let first, let second else { return nil }
        return Location(latitude: first, longitude: second)
    }

    static let model = ObjectModel(
        title: "regions.NAME", summary: "A place with virtual servers: a data centre, a cloud region.",
        fields: [host.description, location.description, bias.description, failback.description])

    /// With the place of the host, which may be there though the host is wrong.
    static let shape = Shape<[Named<Drafted<Region, Position?>>]>.map(key: "name", of: region)

    private static let region = Shape<Drafted<Region, Position?>>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        let name = reader.read(host, context)
        var region = Region(name: "", host: name?.value, location: reader.read(location, context))
        region.bias = reader.read(bias, context)
        region.failback = reader.read(failback, context)
        return Drafted(value: region, places: reader.has("host") ? reader.position(of: "host") : nil)
    }
}
