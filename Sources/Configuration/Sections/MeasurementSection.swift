internal import TrafficModel

/// `measurements:`.
enum MeasurementSection {
    private static let fresh = MeasurementSettings()

    static let file = Shape<String>.path.field(
        "file", "A file of loads and latencies; it is read again when it changes.")
    static let age = Shape<Duration>.duration(1000...86_400_000).field(
        "max_age", default: fresh.maximumAge, "Loads that are older are missing.")
    static let latencyAge = Shape<Duration>.duration(1000...31_536_000_000).field(
        "max_latency_age", default: fresh.maximumLatencyAge, "Latencies that are older are missing.")

    static let model = ObjectModel(
        title: "measurements", summary: "What stages that heed load or latency go by.",
        fields: [file.description, age.description, latencyAge.description])

    static let shape = Shape<MeasurementSettings>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var settings = MeasurementSettings()
        settings.filePath = reader.read(file, context)
        settings.maximumAge = reader.read(age, context)
        settings.maximumLatencyAge = reader.read(latencyAge, context)
        return settings
    }
}
