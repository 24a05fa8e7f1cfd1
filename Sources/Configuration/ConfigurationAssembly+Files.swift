internal import Geography
internal import Glibc
internal import TrafficModel

extension ConfigurationAssembly {
    /// Reads the geography and looks into the certificates' files.
    func readFiles(_ judge: CertificateJudge?) -> GeographyDatabase? {
        checkCertificates(judge)
        checkLogs()
        return readGeography()
    }

    private func checkCertificates(_ judge: CertificateJudge?) {
        for entry in draft.certificates {
            guard let value = entry.value else { continue }
            let hasChain = checkPEM(
                value.value.chainPath, label: "CERTIFICATE", what: "certificate", at: value.places.chain)
            let hasKey = checkPEM(value.value.keyPath, label: "PRIVATE KEY", what: "private key", at: value.places.key)
            if hasChain, hasKey, let verdict = judge?.pair(value.value) {
                context.error(value.places.key, verdict.wrong, verdict.advice)
            }
        }
        for entry in draft.monitors {
            guard let value = entry.value, let path = value.value.check.authorityPath, let position = value.places
            else {
                continue
            }
            checkAuthorities(path, judge, at: position)
        }
        for entry in draft.upstreams {
            guard let value = entry.value, let path = value.value.tls?.authorityPath, let position = value.places else {
                continue
            }
            checkAuthorities(path, judge, at: position)
        }
        for entry in draft.listeners {
            guard let value = entry.value, let path = value.value.tls?.clients?.authorityPath,
                let position = value.places.clientAuthority
            else { continue }
            checkAuthorities(path, judge, at: position)
        }
        if let admin = draft.admin, let path = admin.value.listener?.tls?.clientAuthorityPath,
            let position = admin.places.clientAuthority
        {
            checkAuthorities(path, judge, at: position)
        }
    }

    /// Two paths may lead to one file. That they are written alike was looked at before.
    private func checkLogs() {
        guard let dns = draft.dns, let queries = intent.dns.queryLog, let access = intent.proxy.accessLog,
            queries.path != "-", access.path != "-", !queries.isFile(of: access),
            let file = WrittenFile(at: queries.path), file == WrittenFile(at: access.path)
        else { return }
        context.error(
            dns.places.queryLog, "\(queries.path) leads to the file of proxy.access_log, \(access.path)",
            "name another for one of them")
    }

    private func checkAuthorities(_ path: String, _ judge: CertificateJudge?, at position: Position) {
        guard checkPEM(path, label: "CERTIFICATE", what: "certificate", at: position),
            let verdict = judge?.authorities(path)
        else { return }
        context.error(position, verdict.wrong, verdict.advice)
    }

    private func readGeography() -> GeographyDatabase? {
        let sources: [GeographySourceFile] = draft.geography.map {
            switch $0.value {
            case .maxMind(let path): .maxMind(path: path)
            case .tor(let v4, let v6): .tor(v4: v4, v6: v6)
            case .networks(let path): .networks(path: path)
            }
        }
        do throws(GeographyError) {
            let database = try GeographyDatabase.load(sources: sources)
            checkNetworks(in: database)
            checkAges(of: database)
            return database
        } catch {
            report(error)
            return nil
        }
    }

    private func report(_ error: GeographyError) {
        for problem in error.problems {
            // A file that cannot be read at all is a matter of the line that names it.
            let source = draft.geography.first { $0.value.paths.contains(problem.path) }
            switch problem.position {
            case .line(let line, let column):
                context.add(
                    Diagnostic(
                        severity: .error, file: problem.path, line: line, column: column,
                        message: "\(problem.reason); \(problem.advice)"))
            case .byte(let offset):
                context.error(
                    source?.position ?? draft.geographyPosition,
                    "\"\(problem.path)\" is broken at byte \(offset): \(problem.reason)", problem.advice)
            case .file:
                var advice = problem.advice
                if case .tor? = source?.value { advice += " (Debian: apt install tor-geoipdb)" }
                context.error(
                    source?.position ?? draft.geographyPosition, "\"\(problem.path)\": \(problem.reason)", advice)
            }
        }
    }

    /// Networks move: what is older says of a few in a hundred where they were.
    static let oldestGeography: UInt64 = 120 * 86_400

    private func checkAges(of database: GeographyDatabase) {
        var clock = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &clock)
        for entry in draft.geography {
            for path in entry.value.paths {
                guard let built = database.builds[path],
                    let wrong = Self.wrongAge(built: built, now: UInt64(max(clock.tv_sec, 0)))
                else { continue }
                context.warning(entry.position, "\"\(path)\" \(wrong.what)", wrong.advice)
            }
        }
    }

    /// What is wrong with data of this time, in seconds since 1970. It is used all the same: old data are better than
    /// none, and a clock may be wrong.
    static func wrongAge(built: UInt64, now: UInt64) -> (what: String, advice: String)? {
        // A day, for clocks that differ.
        if built > now, built - now > 86_400 { return ("was made in the future", "set this machine's clock") }
        guard now > built, now - built > oldestGeography else { return nil }
        return ("is \((now - built) / 86_400) days old", "get a newer one: networks have moved since")
    }

    /// Regions of network lists that topology records name must be in one.
    private func checkNetworks(in database: GeographyDatabase) {
        let known = Set(database.places.compactMap(\.network))
        for (source, position) in topologySources {
            guard case .network(let label) = source, !known.contains(label), !draft.geography.isEmpty else { continue }
            context.error(
                position, "no network list has the region \"\(label.shortened)\"",
                Suggestion.advice(for: label, in: known.sorted(), none: "add geography: with networks: FILE"))
        }
        if !draft.geography.isEmpty, !database.places.contains(where: { $0.coordinates != nil }) {
            for position in nearestStages {
                context.error(
                    position, "no geography source has coordinates, so that no distance can be told",
                    "add a MaxMind DB with cities, or order by topology")
            }
        }
    }

    /// - Returns: whether the file has the outer form.
    private func checkPEM(_ path: String, label: String, what: String, at position: Position) -> Bool {
        do throws(FileProblem) {
            let bytes = try TextFile.read(path, limit: 1 << 20)
            let blocks = PEMBlocks(bytes)
            guard blocks.isComplete else {
                context.error(position, "a PEM block of \"\(path)\" is broken", "copy the file again, whole")
                return false
            }
            guard !blocks.isEncrypted else {
                context.error(
                    position, "the private key in \"\(path)\" is encrypted",
                    "store it without a passphrase: nobody can type one when a node starts")
                return false
            }
            guard blocks.labels.contains(where: { $0.hasSuffix(label) }) else {
                context.error(
                    position, "\"\(path)\" holds no \(what)", "name a PEM file with -----BEGIN … \(label)-----")
                return false
            }
            return true
        } catch {
            context.error(position, error.wrong, error.advice)
            return false
        }
    }
}

/// The blocks of a PEM file (RFC 7468), by label. What is inside them is for the TLS library to say.
struct PEMBlocks {
    private(set) var labels: [String] = []
    /// Whether each block that begins also ends, with base64 between.
    private(set) var isComplete = true
    /// Whether a key needs a passphrase (RFC 5958, or the older header).
    private(set) var isEncrypted = false

    init(_ bytes: [UInt8]) {
        var open: String?
        for line in bytes.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }) {
            let text = String(decoding: line, as: UTF8.self)
            if text.hasPrefix("-----BEGIN "), let label = Self.label(text, after: "-----BEGIN ") {
                if open != nil { isComplete = false }
                open = label
                if label.hasPrefix("ENCRYPTED") { isEncrypted = true }
            } else if text.hasPrefix("-----END ") {
                if open == nil || Self.label(text, after: "-----END ") != open { isComplete = false }
                if let open { labels.append(open) }
                open = nil
            } else if open != nil {
                if !Self.isContent(line) { isComplete = false }
                if text.hasPrefix("Proc-Type:"), text.contains("ENCRYPTED") { isEncrypted = true }
            }
        }
        if open != nil { isComplete = false }
    }

    private static func label(_ line: String, after prefix: String) -> String? {
        guard line.hasSuffix("-----") else { return nil }
        return String(line.dropFirst(prefix.count).dropLast(5))
    }

    /// Base64, or a header as encrypted keys have.
    private static func isContent(_ line: ArraySlice<UInt8>) -> Bool {
        line.contains(UInt8(ascii: ":"))
            || line.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0 & 0xdf) || "+/= \t".utf8.contains($0)
            }
    }
}

extension GeographySource {
    fileprivate var paths: [String] {
        switch self {
        case .maxMind(let path), .networks(let path): [path]
        case .tor(let v4, let v6): [v4, v6].compactMap(\.self)
        }
    }
}
