import DNSWire
import TrafficModel

extension Intent {
    /// A wide IP's name, or a pattern of names, as the configuration writes them: names of the DNS are the same in
    /// capital letters and small ones (RFC 4343).
    func spelling(ofWideIP name: String) -> String {
        let (glob, names) = (Glob(name), wideIPs.lazy.map(\.name.description))
        guard !names.contains(where: glob.matches) else { return name }
        let lowered = name.lowercased()
        guard glob.isPattern else { return names.first { $0.lowercased() == lowered } ?? name }
        return names.contains(where: Glob(lowered).matches) ? lowered : name
    }

    /// What an override is about, in the configuration's spelling.
    func spelling(of subject: Overrides.Subject) -> Overrides.Subject {
        subject.kind == .wideIP ? .wideIP(spelling(ofWideIP: subject.name)) : subject
    }
}
