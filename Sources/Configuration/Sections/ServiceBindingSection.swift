internal import TrafficModel

/// `https:` of pools.
enum ServiceBindingSection {
    private static let fresh = ServiceBinding()
    /// More than anybody has.
    private static let limit = 8

    static let protocols = Shape<[String]>.list(of: Shape<String>.text("protocol", limit: 16)).field(
        "alpn", default: fresh.protocols, shown: "h2, http/1.1", "Protocols, best first.")
    static let port = Shape<Int>.integer(1...65535).field("port", "Another port than 443.")

    static let model = ObjectModel(
        title: "pools.NAME.https", summary: "What HTTPS records say besides the addresses.",
        fields: [protocols.description, port.description])

    static let shape = Shape<ServiceBinding>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var binding = ServiceBinding()
        binding.protocols = reader.read(protocols, context)
        binding.port = reader.read(port, context).map { UInt16($0) }
        if binding.protocols.count > limit || binding.protocols.contains(where: { $0.utf8.count > 16 }) {
            context.error(
                reader.position(of: "alpn"), "more than \(limit) protocols, or one of more than 16 letters",
                "write [h2, http/1.1] or the like")
        }
        return binding
    }
}
