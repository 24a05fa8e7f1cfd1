internal import DNSWire
internal import Geography
internal import TrafficModel

/// Reads configurations and everything that they name, and tells every mistake.
package enum ConfigurationLoader {
    /// Reads a file. Paths in it are seen from its folder.
    ///
    /// Geography, zone files and certificates are read too, so that what loads can be run, short of ports that are taken.
    /// - Parameter zones: what the configuration in force got from zone files. They are taken over where nothing changed,
    ///   and where a file is broken now. Without them, at a start or a check, a broken file is an error.
    /// - Parameter judge: looks into certificates; `nil`: what is in them counts for nothing.
    package static func load(
        path: String, reusing zones: ZoneCache? = nil, judgedBy judge: CertificateJudge? = nil
    ) -> LoadResult {
        do throws(FileProblem) {
            return load(
                bytes: try TextFile.read(path, limit: YAMLReader.byteLimit), name: path, reusing: zones, judgedBy: judge
            )
        } catch {
            let message = "\(error.wrong); \(error.advice)"
            return LoadResult(
                intent: nil, geography: nil,
                diagnostics: [Diagnostic(severity: .error, file: path, line: 0, column: 0, message: message)])
        }
    }

    /// Reads a configuration from memory; `name` stands for the file in diagnostics, and paths are seen from its folder.
    package static func load(text: String, name: String) -> LoadResult { load(bytes: Array(text.utf8), name: name) }

    static func load(
        bytes: [UInt8], name: String, readsFiles: Bool = true, reusing zones: ZoneCache? = nil,
        judgedBy judge: CertificateJudge? = nil
    ) -> LoadResult {
        let context = DecodingContext(file: name)
        guard let root = YAMLReader.read(bytes, context: context) else {
            return LoadResult(intent: nil, geography: nil, diagnostics: context.sorted())
        }
        guard let draft = ConfigurationDecoder.decode(root, context) else {
            var diagnostics = context.sorted()
            KeyPaths.fill(&diagnostics, of: root, in: name)
            return LoadResult(intent: nil, geography: nil, diagnostics: diagnostics)
        }
        var assembly = ConfigurationAssembly(draft, context, cache: zones)
        var intent = assembly.assemble()
        if readsFiles { intent.dns.answers.cookies.secrets = assembly.readCookieSecrets() }
        let geography = readsFiles ? assembly.readFiles(judge) : GeographyDatabase()
        let isUsable = !context.hasErrors
        var diagnostics = context.sorted()
        KeyPaths.fill(&diagnostics, of: root, in: name)
        return LoadResult(
            intent: isUsable ? intent : nil, geography: isUsable ? geography : nil, diagnostics: diagnostics,
            zones: assembly.loaded, zoneFailures: assembly.failures, zoneFilesRead: assembly.filesRead)
    }
}
