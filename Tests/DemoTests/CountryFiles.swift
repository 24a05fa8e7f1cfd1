import Glibc
import Testing

@testable import Demo

/// Small country files of a test's own, removed with it: the machine's are not what is tested.
final class CountryFiles {
    let options: DemoOptions

    /// 5.0.0.0/16 is PL; of 5.1.64.0/24 only a part is DE; 5.2.0.0/16 is DE.
    init() throws {
        let stem = "/tmp/meridian-demo-\(getpid())-\(UInt64.random(in: .min ... .max))"
        var options = DemoOptions()
        options.geoIPv4Path = stem + "-v4"
        options.geoIPv6Path = stem + "-v6"
        self.options = options
        let base = UInt32(5) << 24
        try write(
            [
                "\(base),\(base + 0xFFFF),PL", "\(base + 0x14000),\(base + 0x140C8),DE",
                "\(base + 0x20000),\(base + 0x2FFFF),DE",
            ], to: options.geoIPv4Path)
        try write(["2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,PL"], to: options.geoIPv6Path)
    }

    deinit {
        unsafe unlink(options.geoIPv4Path)
        unsafe unlink(options.geoIPv6Path)
    }

    private func write(_ lines: [String], to path: String) throws {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        let bytes = Array(lines.joined(separator: "\n").utf8)
        let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
        try #require(written == bytes.count)
    }
}
