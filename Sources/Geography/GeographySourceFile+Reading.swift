extension GeographySourceFile {
    /// One file and its format.
    struct File {
        enum Format {
            case maxMind, torV4, torV6, networks
        }

        let path: String
        let format: Format

        func read() throws(GeographyError) -> GeographyDatabase {
            let bytes: FileBytes
            do throws(GeographyFault) {
                bytes = try FileBytes(path: path)
            } catch {
                throw GeographyError(faults: [error], path: path)
            }
            return try Self.parse(bytes.span, as: format, path: path)
        }

        static func parse(
            _ bytes: Span<UInt8>, as format: Format, path: String
        ) throws(GeographyError)
            -> GeographyDatabase
        {
            var faults: [GeographyFault] = []
            var result = GeographyDatabase()
            switch format {
            case .maxMind:
                do throws(GeographyFault) {
                    let reader = try MaxMindReader(bytes)
                    result = try reader.database()
                    if let time = reader.buildTime { result.builds[path] = time }
                } catch {
                    faults = [error]
                }
            case .torV4: result = TorCountries<UInt32>.read(bytes, faults: &faults)
            case .torV6: result = TorCountries<UInt128>.read(bytes, faults: &faults)
            case .networks: result = NetworkList.read(bytes, faults: &faults)
            }
            guard faults.isEmpty else { throw GeographyError(faults: faults, path: path) }
            return result
        }
    }

    var files: [File] {
        switch self {
        case .maxMind(let path): [File(path: path, format: .maxMind)]
        case .tor(let v4, let v6):
            (v4.map { [File(path: $0, format: .torV4)] } ?? []) + (v6.map { [File(path: $0, format: .torV6)] } ?? [])
        case .networks(let path): [File(path: path, format: .networks)]
        }
    }
}

extension GeographyError {
    init(faults: [GeographyFault], path: String) {
        problems = faults.map {
            GeographyProblem(path: path, position: $0.position, reason: $0.reason, advice: $0.advice)
        }
    }
}
