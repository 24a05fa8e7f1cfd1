internal import TrafficModel

/// `geography:`.
enum GeographySection {
    static let maxMind = Shape<String>.path.field("maxmind", "A MaxMind DB file with countries or cities.")
    static let networks = Shape<String>.path.field(
        "networks", "A file of lines `network,region`; topology records refer to the regions by `networks`.")
    static let tor = torShape.field("tor", "The files of Debian's tor-geoipdb.")

    static let v4 = Shape<String>.path.field("v4", "Path of `geoip`.")
    static let v6 = Shape<String>.path.field("v6", "Path of `geoip6`.")

    static let torModel = ObjectModel(
        title: "geography[].tor", summary: "At least one of the two.", fields: [v4.description, v6.description])
    private static let torShape = Shape<ObjectReader>(.object(torModel)) { ObjectReader(torModel, $0, $1) }

    static let model = ObjectModel(
        title: "geography[]",
        summary: "Where the place of a client's network is looked up. Later sources win where they overlap.",
        fields: [tor.description, maxMind.description, networks.description],
        exactlyOne: ["tor", "maxmind", "networks"])

    static let shape = Shape<[Located<GeographySource>]>.list(of: source.located)

    private static let source = Shape<GeographySource>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        if let path = reader.read(maxMind, context) { return .maxMind(path: path) }
        if let path = reader.read(networks, context) { return .networks(path: path) }
        guard let files = reader.read(tor, context) else { return nil }
        let (first, second) = (files.read(v4, context), files.read(v6, context))
        if !files.has("v4"), !files.has("v6") {
            context.error(files.node.position, "geography[].tor names no file", "give v4, v6 or both")
        }
        return .tor(v4: first, v6: second)
    }
}

extension Shape where Value == String {
    /// A file, seen from the configuration file's folder.
    static var path: Shape {
        scalar(ScalarDescription(kind: "path"), text: { $0 }) { text, position, context in
            guard !text.isEmpty, !text.utf8.contains(0) else {
                context.error(position, "the path is empty", "name a file")
                return nil
            }
            return TextFile.resolve(text, besides: context.file)
        }
    }
}
