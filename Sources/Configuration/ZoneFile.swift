internal import DNSWire
internal import TrafficModel

/// Reads the file of a zone with all that it includes, and checks it.
struct ZoneFile {
    /// Bytes of a zone's files together.
    static let sizeLimit = 256 << 20

    let origin: DomainName
    let path: String
    /// What each steered name in the zone is, in order of the names.
    let steered: [(name: DomainName, what: String)]
    /// Served zones below this one.
    let children: [DomainName]
    /// Steered names that may have addresses of their own.
    let fallbacks: [DomainName]

    struct Contents {
        var zone: Zone
        /// Those that could be read.
        var files: [FileStamp] = []
        var diagnostics: [Diagnostic] = []

        var isUsable: Bool { !diagnostics.contains { $0.severity == .error } }
    }

    func read() -> Contents {
        var contents = Contents(zone: Zone(origin: origin, records: []))
        let main: (bytes: [UInt8], stamp: FileStamp)
        do throws(FileProblem) {
            main = try TextFile.readStamped(path, limit: Self.sizeLimit)
        } catch {
            contents.diagnostics.append(
                Diagnostic(severity: .error, file: path, line: 0, column: 0, message: "\(error.wrong); \(error.advice)")
            )
            return contents
        }
        let folder = TextFile.folder(of: path)
        var room = Self.sizeLimit - main.bytes.count
        var files = [main.stamp]
        let (records, problems) = ZoneFileParser.parseLocated(
            main.bytes, file: path, origin: origin, defaultTTL: nil, identity: main.stamp.identity
        ) { name in
            let target = name.hasPrefix("/") ? name : "\(folder)/\(name)"
            do throws(FileProblem) {
                let file = try TextFile.readStamped(target, limit: room, inside: folder)
                room -= file.bytes.count
                files.append(file.stamp)
                return .success(
                    IncludedZoneFile(name: target, identity: file.stamp.identity, text: file.bytes))
            } catch {
                return .failure(ZoneInclusionError(message: "\(error.wrong); \(error.advice)"))
            }
        }
        contents.files = files
        contents.diagnostics += problems.map(diagnostic)
        if !steered.isEmpty {
            let what = Dictionary(steered.map { ($0.name, $0.what) }) { first, _ in first }
            contents.diagnostics += records.compactMap { located in
                what[located.record.owner].flatMap { steeredConflict(located, what: $0) }
            }
        }
        let (clean, mistakes) = ZoneChecks.check(
            origin: origin, records: records, steered: steered.map(\.name), children: children, file: path)
        contents.diagnostics += mistakes.map(diagnostic)
        contents.zone.records = clean
        return contents
    }

    private func diagnostic(_ problem: ZoneFileDiagnostic) -> Diagnostic {
        Diagnostic(
            severity: problem.severity == .error ? .error : .warning, file: problem.file, line: problem.line,
            column: problem.column, message: problem.message)
    }

    private func steeredConflict(_ located: LocatedRecord, what: String) -> Diagnostic? {
        SteeredRecord.problem(located.record, origin: origin, what: what, fallbacks: fallbacks).map { message in
            Diagnostic(
                severity: .error, file: located.file, line: located.line, column: located.column, message: message)
        }
    }
}

/// What a steered name answers must not depend on who asks for which type.
enum SteeredRecord {
    /// What is wrong with a static record of a steered name; `nil`: nothing.
    static func problem(
        _ record: ResourceRecord, origin: DomainName, what: String, fallbacks: [DomainName]
    ) -> String? {
        if record.type == .a || record.type == .aaaa, fallbacks.contains(record.owner) { return nil }
        if record.owner == origin, record.type != .a, record.type != .aaaa, record.type != .cname { return nil }
        return "\(record.owner) has a static \(record.type) record, but it is \(what); remove the record"
    }
}
