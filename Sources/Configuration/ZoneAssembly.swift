internal import DNSWire
internal import TrafficModel

/// Turns the records that `zones:` holds into those of a zone, with the places that its checks report.
struct ZoneAssembly {
    let origin: DomainName
    let draft: ZoneSection.Draft
    let keyPosition: Position
    let context: DecodingContext

    func records() -> [LocatedRecord] {
        var result = authority()
        for server in draft.nameServers {
            // Read as everywhere outside `records`: in full, the closing dot left out or not.
            let name = server.value.absolute(in: origin)
            add("NS", name, at: server.position, owner: origin, ttl: draft.ttl, to: &result)
        }
        for owner in draft.records {
            guard let name = ownerName(owner.name, at: owner.position) else { continue }
            for record in owner.value ?? [] {
                add(
                    record.type.value, record.data.value, at: record.data.position, owner: name,
                    ttl: record.ttl ?? draft.ttl, to: &result)
            }
        }
        return result
    }

    private func authority() -> [LocatedRecord] {
        guard let first = draft.nameServers.first else { return [] }
        let soa = draft.authority
        let primary = soa.primary?.value ?? first.value
        let mailbox = soa.mailbox?.value ?? "hostmaster"
        let numbers = "\(soa.serial) \(soa.refresh) \(soa.retry) \(soa.expire) \(soa.minimum)"
        var result: [LocatedRecord] = []
        add(
            "SOA", "\(primary.absolute(in: origin)) \(mailbox.absolute(in: origin)) \(numbers)",
            at: soa.primary?.position ?? soa.mailbox?.position ?? first.position, owner: origin, ttl: draft.ttl,
            to: &result)
        return result
    }

    private func ownerName(_ text: String, at position: Position) -> DomainName? {
        if text == "@" { return origin }
        do throws(NameTextError) {
            let name = try DomainName.parse(Array(text.utf8)[...], relativeTo: origin)
            if !text.hasSuffix("."), let whole = DomainName(text), whole.isAtOrBelow(origin) {
                let short = text.dropLast(origin.description.utf8.count).trimmingDots
                context.error(
                    position,
                    "the owner \"\(text.shortened)\" already ends with the zone's name and would become \(name)",
                    "write \"\(short.isEmpty ? "@" : short)\" or \"\(text.shortened).\"")
                return nil
            }
            guard name.isAtOrBelow(origin) else {
                context.error(
                    position, "the owner \"\(text.shortened)\" is not in the zone \(origin)",
                    "write it without the closing dot or in its own zone")
                return nil
            }
            return name
        } catch {
            context.error(position, "\"\(text.shortened)\" is not an owner name", "\(error)")
            return nil
        }
    }

    private func add(
        _ type: String, _ data: String, at position: Position, owner: DomainName, ttl: UInt32,
        to result: inout [LocatedRecord]
    ) {
        do throws(RecordTextError) {
            let (recordType, wire) = try RecordText.parse(type: type, data: data, origin: origin)
            result.append(
                LocatedRecord(
                    ResourceRecord(owner: owner, type: recordType, ttl: ttl, data: wire), file: context.file,
                    line: position.line, column: position.column))
        } catch {
            context.error(position, "the \(type) record of \(owner) is wrong", error.message)
        }
    }

    /// Checks the zone as a whole and returns its clean records.
    func checked(_ records: [LocatedRecord], steered: [DomainName], children: [DomainName]) -> [ResourceRecord] {
        let (clean, problems) = ZoneChecks.check(
            origin: origin, records: records, steered: steered, children: children, file: context.file,
            line: keyPosition.line, column: keyPosition.column)
        report(problems)
        return clean
    }

    private func report(_ problems: [ZoneFileDiagnostic]) {
        for problem in problems {
            context.add(
                Diagnostic(
                    severity: problem.severity == .error ? .error : .warning,
                    file: problem.file.isEmpty ? context.file : problem.file, line: problem.line,
                    column: problem.column, message: problem.message))
        }
    }
}

extension String {
    /// A name as it is meant where full names are usual: with a dot inside it is complete, else it lies in `origin`.
    fileprivate func absolute(in origin: DomainName) -> String {
        hasSuffix(".") ? self : contains(".") ? self + "." : self == "@" ? "\(origin)." : "\(self).\(origin)."
    }
}

extension Substring {
    fileprivate var trimmingDots: Substring { hasSuffix(".") ? dropLast() : self }
}
