import HTTPTypes
import Hummingbird
import Mustache

/// The dashboard's files, which are part of the program: templates, and what browsers load.
struct AssetStore: Sendable {
    private struct File {
        var type: String
        var bytes: [UInt8]
    }

    /// Changes with any of the files; a part of their path, so that browsers may keep them for ever.
    let version: String
    let templates: MustacheLibrary
    private let files: [String: (type: String, buffer: ByteBuffer)]

    /// - Throws: when a template has a mistake, which a test finds.
    init() throws {
        var library = MustacheLibrary()
        for (name, bytes) in Self.templateSources {
            try library.register(String(decoding: bytes, as: UTF8.self), named: name)
        }
        templates = library
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for (name, file) in Self.sources.sorted(by: { $0.key < $1.key }) {
            // FNV-1a: tells versions apart, and need not withstand anybody.
            for byte in Array(name.utf8) + file.bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        version = String(hash, radix: 36)
        files = Self.sources.mapValues { ($0.type, ByteBuffer(bytes: $0.bytes)) }
    }

    /// A file that never changes under its path; `nil`: there is none of that name.
    func response(_ name: String, version asked: String, to request: Request) -> Response? {
        guard let file = files[name] else { return nil }
        let tag = "\"\(version)\""
        var headers: HTTPFields = [
            .contentType: file.type, .eTag: tag,
            // A path of another version is of a program that was replaced; its answer must not be kept as that.
            .cacheControl: asked == version ? "public, max-age=31536000, immutable" : "no-cache",
        ]
        if request.headers[.ifNoneMatch] == tag { return Response(status: .notModified, headers: headers) }
        headers[.contentLength] = "\(file.buffer.readableBytes)"
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: file.buffer))
    }

    private static let script = "text/javascript; charset=utf-8"

    private static let sources: [String: File] = [
        "style.css": File(type: "text/css; charset=utf-8", bytes: PackageResources.style_css),
        "theme.js": File(type: script, bytes: PackageResources.theme_js),
        "app.js": File(type: script, bytes: PackageResources.app_js),
        "live.js": File(type: script, bytes: PackageResources.live_js),
        "chart.js": File(type: script, bytes: PackageResources.chart_js),
        "actions.js": File(type: script, bytes: PackageResources.actions_js),
        "plans.js": File(type: script, bytes: PackageResources.plans_js),
        "services.js": File(type: script, bytes: PackageResources.services_js),
        "login.js": File(type: script, bytes: PackageResources.login_js),
        "icon.svg": File(type: "image/svg+xml", bytes: PackageResources.icon_svg),
    ]

    private static let templateSources: [(String, [UInt8])] = [
        ("layout", PackageResources.layout_mustache), ("sprite", PackageResources.sprite_mustache),
        ("world", PackageResources.world_mustache), ("overview", PackageResources.overview_mustache),
        ("region-row", PackageResources.region_row_mustache), ("map-row", PackageResources.map_row_mustache),
        ("flow-row", PackageResources.flow_row_mustache), ("problem-row", PackageResources.problem_row_mustache),
        ("services", PackageResources.services_mustache), ("service-row", PackageResources.service_row_mustache),
        ("levels", PackageResources.levels_mustache), ("level-row", PackageResources.level_row_mustache),
        ("traffic", PackageResources.traffic_mustache), ("operations", PackageResources.operations_mustache),
        ("override-row", PackageResources.override_row_mustache),
        ("window-row", PackageResources.window_row_mustache), ("shift-row", PackageResources.shift_row_mustache),
        ("events", PackageResources.events_mustache), ("event-row", PackageResources.event_row_mustache),
        ("explain", PackageResources.explain_mustache), ("login", PackageResources.login_mustache),
        ("missing", PackageResources.missing_mustache),
    ]
}
