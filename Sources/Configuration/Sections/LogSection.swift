internal import TrafficModel

/// `log:`, and the logs of what clients did: `proxy.access_log`, `dns.query_log`.
enum LogSection {
    private static let fresh = LogSettings()
    private static let freshFile = LogFile(path: "")

    static let format = Shape<LogFormat>.choice().field(
        "format", default: fresh.format, "`text`: for people; `json`: one object a line.")
    static let level = Shape<LogSettings.Level>.choice().field(
        "level", "The least severe events; `--log-level` if absent.")
    static let v4Bits = Shape<Int>.integer(0...32).field(
        "ipv4_prefix", default: fresh.clients.v4Bits,
        "Bits of clients' IPv4 addresses that access and query logs keep; 24 hides who in a network it was.")
    static let v6Bits = Shape<Int>.integer(0...128).field(
        "ipv6_prefix", default: fresh.clients.v6Bits, "The same of IPv6 addresses; 48 hides the network in a site.")
    static let model = ObjectModel(
        title: "log", summary: "What the program says about itself, on standard error.",
        fields: [format.description, level.description, v4Bits.description, v6Bits.description])

    static let shape = Shape<LogSettings>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context) else { return nil }
        var log = LogSettings()
        log.format = reader.read(format, context)
        log.level = reader.read(level, context)
        log.clients.v4Bits = reader.read(v4Bits, context)
        log.clients.v6Bits = reader.read(v6Bits, context)
        return log
    }

    static let path = Shape<String>.text("path").field(
        "path", required: true, "`-`: standard output; else a file, opened again on SIGUSR1.")
    static let lines = Shape<LogFormat>.choice().field(
        "format", default: freshFile.format, "`text`: `key=value`; `json`: one object a line.")
    static let sample = Shape<Double>.perCent.field(
        "sample", default: freshFile.sample, shown: "100%",
        "The part of the lines that is written; those about failures on this side all are.")
    static let maximumSize = Shape<Int>.size((64 << 10)...(1 << 40)).field(
        "max_size", "A file that would grow beyond this is renamed to `.1`, and begun anew; it grows if absent.")
    static let keep = Shape<Int>.integer(1...1000).field(
        "keep", default: freshFile.keep, "Files renamed by `max_size` that are kept.")
    static let fileModel = ObjectModel(
        title: "access_log and query_log", summary: "A log of what clients did.",
        fields: [path.description, lines.description, sample.description, maximumSize.description, keep.description])

    /// A path, or a mapping; `nil` inside: `off`.
    static let file = Shape<LogFile?>(
        .anyOf([Shape<String>.text("path").description, .object(fileModel)]), text: { $0?.path ?? "off" }
    ) { node, context in
        guard case .map = node.content else {
            return Shape<String>.text("path").read(node, context).map { file(at: $0, context) }
        }
        guard let reader = ObjectReader(fileModel, node, context), let path = reader.read(path, context) else {
            return nil
        }
        var log = file(at: path, context)
        log?.format = reader.read(lines, context)
        log?.sample = reader.read(sample, context)
        log?.maximumSize = reader.read(maximumSize, context)
        log?.keep = reader.read(keep, context)
        if log?.path == "-", log?.maximumSize != nil {
            context.error(
                reader.position(of: "max_size"), "standard output cannot be renamed", "remove max_size, or name a file")
        }
        return .some(log)
    }

    private static func file(at path: String, _ context: DecodingContext) -> LogFile? {
        switch path {
        case "off": nil
        case "-": LogFile(path: "-")
        default: LogFile(path: TextFile.resolve(path, besides: context.file))
        }
    }
}

extension Shape where Value == Double {
    /// A part of a whole as `0.1%` or `99.95%`.
    static var perCent: Shape {
        scalar(
            ScalarDescription(kind: "share", range: "0.0001% to 100%", pattern: "^[0-9]+(\\.[0-9]+)?%$"),
            text: { "\(($0 * 100).brief)%" }
        ) { text, position, context in
            let digits = text.utf8.dropLast()
            guard text.hasSuffix("%"), digits.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: ".") }),
                let value = Double(text.dropLast()), value >= 0.0001, value <= 100
            else {
                context.error(
                    position, "\"\(text.shortened)\" is not a share in per cent",
                    "write 1%, 99.9% or the like, up to 100%")
                return nil
            }
            return value / 100
        }
    }
}
