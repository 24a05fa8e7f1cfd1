internal import TrafficModel

/// `certificates:`.
enum CertificateSection {
    struct Places: Sendable {
        var chain: Position
        var key: Position
    }

    static let chain = Shape<String>.path.field(
        "chain", required: true, "A PEM file with the certificate, followed by those of the authorities between.")
    static let key = Shape<String>.path.field("key", required: true, "A PEM file with the private key.")

    static let model = ObjectModel(
        title: "certificates.NAME", summary: "A certificate and its key. Both files must be there and readable.",
        fields: [chain.description, key.description])

    static let shape = Shape<[Named<Drafted<Certificate, Places>>]>.map(key: "name", of: certificate)

    private static let certificate = Shape<Drafted<Certificate, Places>>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        let (first, second) = (reader.read(chain, context), reader.read(key, context))
        guard let first, let second else { return nil }
        return Drafted(
            value: Certificate(name: "", chainPath: first, keyPath: second),
            places: Places(chain: reader.position(of: "chain"), key: reader.position(of: "key")))
    }
}
