internal import DNSWire
internal import TrafficModel

/// A zone that the configuration names, and where its records are.
struct ServedZone {
    enum Source {
        case inline(ZoneSection.Draft)
        case file(Located<String>)
        /// A file of a folder: it may come and go.
        case folderFile(String)
        /// A file of a folder that cannot be read now.
        case lostFile(String)
    }

    let origin: DomainName
    /// Where the configuration says so.
    let position: Position
    let source: Source
}

extension ConfigurationAssembly {
    mutating func readServedZones() {
        var seen: [DomainName: Position] = [:]
        for zone in draft.zones {
            // The root zone is not this server's to serve.
            let node = SourceNode(content: .scalar(zone.name, isPlain: false), position: zone.position)
            guard let origin = Shape<DomainName>.domainName.read(node, context) else { continue }
            if let first = seen[origin] {
                context.error(
                    zone.position, "the zone \(origin) is given twice, first on line \(first.line)",
                    "keep one of the two")
                continue
            }
            seen[origin] = zone.position
            servedNames.insert(origin)
            guard let value = zone.value else { continue }
            served.append(
                ServedZone(
                    origin: origin, position: zone.position,
                    source: value.file.map { .file($0) } ?? .inline(value)))
        }
        for folder in draft.zoneFolders { readFolder(folder) }
    }

    private mutating func readFolder(_ folder: ZoneFolderSection.Draft) {
        let files: [(name: String, path: String)]
        do throws(FileProblem) {
            files = try ZoneFolderSection.files(of: folder)
        } catch {
            let known = cache?.paths(inFolder: folder.path.value) ?? []
            guard !known.isEmpty else {
                context.error(folder.path.position, error.wrong, error.advice)
                return
            }
            failures.append(
                ZoneFailure(
                    origin: "", file: folder.path.value, isServed: true,
                    diagnostics: [
                        Diagnostic(
                            severity: .error, file: folder.path.value, line: 0, column: 0,
                            message: "\(error.wrong); \(error.advice)")
                    ]))
            for path in known { takeOver(path, of: folder) }
            return
        }
        for file in files {
            guard let origin = DomainName(file.name), origin != .root else {
                reject(file, "the file's name is not that of a zone; name it example.com\(folder.suffix)")
                continue
            }
            guard servedNames.insert(origin).inserted else {
                reject(file, "the zone \(origin) is there already; keep one of the two")
                continue
            }
            served.append(
                ServedZone(origin: origin, position: folder.path.position, source: .folderFile(file.path)))
        }
    }

    private mutating func takeOver(_ path: String, of folder: ZoneFolderSection.Draft) {
        guard let entry = cache?.entries[path], servedNames.insert(entry.zone.origin).inserted else { return }
        served.append(
            ServedZone(origin: entry.zone.origin, position: folder.path.position, source: .lostFile(path)))
    }

    /// A file of a folder that is no zone: an error, but no reason to refuse a reload.
    private mutating func reject(_ file: (name: String, path: String), _ message: String) {
        let diagnostic = Diagnostic(severity: .error, file: file.path, line: 0, column: 0, message: message)
        if cache == nil {
            context.add(diagnostic)
        } else {
            failures.append(
                ZoneFailure(origin: file.name, file: file.path, isServed: false, diagnostics: [diagnostic]))
        }
    }

    mutating func assembleZones() {
        func sorted(_ names: [DomainName]) -> [DomainName] {
            names.count < 2 ? names : names.sorted { $0.folded.lexicographicallyPrecedes($1.folded) }
        }
        let fallbacks = fallbacks
        let names = Dictionary(grouping: steered.keys) { zone(of: $0) ?? .root }
        let below = Dictionary(grouping: served.map(\.origin)) { $0.parent.flatMap(zone) ?? .root }
        for zone in served {
            let surroundings = ZoneCache.Surroundings(
                steered: sorted(names[zone.origin] ?? []), children: sorted(below[zone.origin] ?? []),
                fallbacks: fallbacks.isEmpty ? [] : sorted((names[zone.origin] ?? []).filter(fallbacks.contains)))
            switch zone.source {
            case .inline(let draft): assemble(draft, of: zone, surroundings)
            case .file(let path): assembleFile(path.value, of: zone, surroundings, place: path.position)
            case .folderFile(let path): assembleFile(path, of: zone, surroundings, place: nil)
            case .lostFile(let path):
                if let entry = cache?.entries[path], entry.surroundings == surroundings {
                    accept(entry, path: path)
                } else {
                    assembleFile(path, of: zone, surroundings, place: nil)
                }
            }
        }
    }

    private mutating func assemble(
        _ value: ZoneSection.Draft, of zone: ServedZone, _ surroundings: ZoneCache.Surroundings
    ) {
        let assembly = ZoneAssembly(origin: zone.origin, draft: value, keyPosition: zone.position, context: context)
        let records = assembly.records()
        for record in records {
            if let owner = steered[record.record.owner],
                let problem = SteeredRecord.problem(
                    record.record, origin: zone.origin, what: owner.what, fallbacks: surroundings.fallbacks)
            {
                context.add(
                    Diagnostic(
                        severity: .error, file: context.file, line: record.line, column: record.column, message: problem
                    )
                )
            }
            checkTarget(record)
        }
        let clean = assembly.checked(records, steered: surroundings.steered, children: surroundings.children)
        intent.zones.append(Zone(origin: zone.origin, records: clean))
    }

    /// Steered names for which a stage answers with the zone's own records.
    private var fallbacks: Set<DomainName> {
        Set(
            intent.wideIPs.filter { $0.pipeline.contains { $0.action == .answer(.zoneData) } }
                .flatMap { [$0.name] + $0.aliases })
    }

    private func checkTarget(_ located: LocatedRecord) {
        guard located.record.type == .cname, let target = DomainName(wire: located.record.data) else { return }
        guard zone(of: target) == nil else { return }
        context.warning(
            Position(line: located.line, column: located.column),
            "the CNAME target \(target) lies outside the served zones",
            "make sure that its own name servers answer for it")
    }

    /// - Parameter place: where the configuration names the file; `nil`: it lies in a folder, and a reload may leave its
    ///   zone out when there is nothing to serve of it.
    private mutating func assembleFile(
        _ path: String, of zone: ServedZone, _ surroundings: ZoneCache.Surroundings, place: Position?
    ) {
        let last = cache?.entries[path].flatMap { entry in
            entry.zone.origin == zone.origin && entry.surroundings == surroundings ? entry : nil
        }
        if let last, last.files.allSatisfy(\.isCurrent) {
            accept(last, path: path)
            return
        }
        filesRead += 1
        let file = ZoneFile(
            origin: zone.origin, path: path,
            steered: surroundings.steered.map { name in (name, steered[name]?.what ?? "") },
            children: surroundings.children, fallbacks: surroundings.fallbacks)
        let contents = file.read()
        if contents.isUsable {
            accept(
                ZoneCache.Entry(
                    zone: contents.zone, files: contents.files, surroundings: surroundings,
                    warnings: contents.diagnostics), path: path)
            return
        }
        let errors = contents.diagnostics.filter { $0.severity == .error }
        if let last {
            // Its stamps stay old, so the file is read again at each reload until it is right.
            loaded.entries[path] = last
            intent.zones.append(last.zone)
            failures.append(
                ZoneFailure(origin: zone.origin.description, file: path, isServed: true, diagnostics: errors))
        } else if cache != nil, place == nil, surroundings.steered.isEmpty {
            failures.append(
                ZoneFailure(origin: zone.origin.description, file: path, isServed: false, diagnostics: errors))
        } else {
            for diagnostic in contents.diagnostics {
                // That it cannot be read at all is a matter of the line that names it.
                let isAbout = contents.files.isEmpty ? place : nil
                context.add(
                    isAbout.map { Diagnostic(severity: .error, $0, context.file, diagnostic.message) } ?? diagnostic)
            }
        }
    }

    private mutating func accept(_ entry: ZoneCache.Entry, path: String) {
        loaded.entries[path] = entry
        intent.zones.append(entry.zone)
        for warning in entry.warnings { context.add(warning) }
    }
}
