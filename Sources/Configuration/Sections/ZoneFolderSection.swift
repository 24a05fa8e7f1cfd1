/// `zone_folders:`.
enum ZoneFolderSection {
    struct Draft: Sendable {
        var path: Located<String>
        var suffix: String
    }

    /// Files of one folder: reading their names must end.
    static let fileLimit = 1_000_000

    static let path = Shape<String>.path.located.field(
        "path", required: true, "A folder with an RFC 1035 zone file for each zone. Folders in it are left alone.")
    static let suffix = Shape<String>.text("suffix", limit: 64, allowsEmpty: true).field(
        "suffix", default: ".zone",
        """
        What a file's name has behind the zone's; files that end otherwise, and hidden ones, are left alone. `@` in a name \
        stands for `/`.
        """)

    static let model = ObjectModel(
        title: "zone_folders[]", summary: "A folder of zones: a file `example.com.zone` holds the zone example.com.",
        fields: [path.description, suffix.description])

    static let shape = Shape<[Draft]>.list(of: folder)

    private static let folder = Shape<Draft>(.object(model)) { node, context in
        guard let reader = ObjectReader(model, node, context), let path = reader.read(path, context) else { return nil }
        return Draft(path: path, suffix: reader.read(suffix, context))
    }

    /// The files of zones in a folder, in the order of their names, each with the zone's name as it is written.
    static func files(of draft: Draft) throws(FileProblem) -> [(name: String, path: String)] {
        let (folder, suffix) = (draft.path.value, draft.suffix)
        let names = try FolderListing.names(in: folder).filter { $0.hasSuffix(suffix) && $0 != suffix }
        guard names.count <= fileLimit else {
            throw FileProblem(
                wrong: "the folder \"\(folder)\" has \(names.count) zone files; \(fileLimit) are the most",
                advice: "split it")
        }
        return names.sorted().map { (String($0.dropLast(suffix.count)).replacing("@", with: "/"), "\(folder)/\($0)") }
    }
}
