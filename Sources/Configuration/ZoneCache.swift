internal import DNSWire
internal import TrafficModel

/// The zones that files gave, as they were read last: what a reload takes over.
///
/// A file that did not change since, nor any file that it includes, is not read again; one that got broken does not take
/// its zone away.
package struct ZoneCache: Sendable {
    struct Entry: Sendable {
        var zone: Zone
        /// The zone's file and all that it includes, as they were.
        var files: [FileStamp]
        var surroundings: Surroundings
        var warnings: [Diagnostic]
    }

    /// What the zone's records were checked against, names in order.
    struct Surroundings: Hashable, Sendable {
        var steered: [DomainName] = []
        /// Served zones below it.
        var children: [DomainName] = []
        /// Steered names for which a stage answers with the zone's own addresses.
        var fallbacks: [DomainName] = []
    }

    /// By the path of the zone's file.
    var entries: [String: Entry] = [:]

    package init() {}

    /// The paths of zone files that lie directly in a folder.
    func paths(inFolder folder: String) -> [String] {
        entries.keys.filter { TextFile.folder(of: $0) == folder }.sorted()
    }
}

/// A zone file, or a folder of them, that a reload could not use.
package struct ZoneFailure: Hashable, Sendable {
    /// The zone; empty for a folder.
    package var origin: String
    package var file: String
    /// Whether the zone's records as they were before are answered; otherwise the zone is not served.
    package var isServed: Bool
    package var diagnostics: [Diagnostic]

    /// As `file:line:column: what is wrong; what to do`.
    package var messages: [String] { diagnostics.map(\.description) }

    /// For people: one line each.
    package var lines: [String] {
        let consequence =
            origin.isEmpty
            ? "the zones of the folder stay as they were"
            : isServed ? "the zone \(origin) stays as it was" : "the zone \(origin) is not served"
        return messages.map { "\($0) (\(consequence))" }
    }
}
