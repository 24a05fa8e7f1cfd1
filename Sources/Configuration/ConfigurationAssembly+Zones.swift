internal import DNSWire
internal import TrafficModel

extension ConfigurationAssembly {
    mutating func assembleZones() {
        for entry in draft.zones {
            guard let value = entry.value, let origin = DomainName(entry.name) else { continue }
            let assembly = ZoneAssembly(origin: origin, draft: value, keyPosition: entry.position, context: context)
            guard let records = assembly.records() else { continue }
            let names = steered.keys.filter { zone(of: $0) == origin }.sorted {
                $0.folded.lexicographicallyPrecedes($1.folded)
            }
            for record in records {
                checkSteered(record, origin: origin)
                checkTarget(record)
            }
            intent.zones.append(Zone(origin: origin, records: assembly.checked(records, steered: names)))
        }
    }

    /// What a steered name answers must not depend on who asks for which type.
    private func checkSteered(_ located: LocatedRecord, origin: DomainName) {
        let record = located.record
        guard let owner = steered[record.owner] else { return }
        if record.owner == origin, record.type != .a, record.type != .aaaa, record.type != .cname { return }
        report(
            located, .error, "\(record.owner) has a static \(record.type) record, but it is \(owner.what)",
            "remove the record")
    }

    private func checkTarget(_ located: LocatedRecord) {
        guard located.record.type == .cname, let target = DomainName(wire: located.record.data) else { return }
        guard zone(of: target) == nil else { return }
        report(
            located, .warning, "the CNAME target \(target) lies outside the served zones",
            "make sure that its own name servers answer for it")
    }

    private func report(_ located: LocatedRecord, _ severity: Diagnostic.Severity, _ wrong: String, _ advice: String) {
        context.add(
            Diagnostic(
                severity: severity, file: located.file.isEmpty ? context.file : located.file, line: located.line,
                column: located.column, message: "\(wrong); \(advice)"))
    }
}
