import Testing

@testable import ConfigurationLoading

@Test(
    "durations",
    arguments: [
        ("500ms", 500), ("5s", 5000), ("1m30s", 90_000), ("1h", 3_600_000), ("7d", 604_800_000), ("0s", 0), ("", nil),
        ("5", nil), ("s", nil), ("5 s", nil), ("-5s", nil), ("5S", nil), ("1.5s", nil), ("5sec", nil),
        ("999999999999d", nil), ("36525d", 3_155_760_000_000), ("36526d", nil),
    ] as [(String, Int64?)])
func durations(text: String, milliseconds: Int64?) {
    #expect(Units.milliseconds(text) == milliseconds)
    if let milliseconds { #expect(Units.milliseconds(Units.text(milliseconds: milliseconds)) == milliseconds) }
}

@Test(
    "sizes",
    arguments: [
        ("512B", 512), ("32KiB", 32_768), ("1kB", 1000), ("64MiB", 67_108_864), ("1GiB", 1_073_741_824), ("32", nil),
        ("32K", nil), ("KiB", nil), ("-1B", nil), ("999999999999GiB", nil), ("", nil),
    ] as [(String, Int?)])
func sizes(text: String, bytes: Int?) {
    #expect(Units.bytes(text) == bytes)
    if let bytes { #expect(Units.bytes(Units.text(bytes: bytes)) == bytes) }
}

@Test(
    "the nearest word",
    arguments: [
        ("lisen", "listen"), ("listne", "listen"), ("Listen", "listen"), ("pols", "pools"), ("x", nil), ("eu", nil),
        ("listen", nil),
    ] as [(String, String?)])
func suggestions(word: String, nearest: String?) {
    #expect(Suggestion.nearest(to: word, in: ["listen", "pools", "threads"]) == nearest)
}

@Test("PEM blocks must end as they begin")
func pemBlocks() {
    let good = "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----\n"
    #expect(PEMBlocks(Array(good.utf8)).labels == ["CERTIFICATE"])
    #expect(PEMBlocks(Array(good.utf8)).isComplete)
    for count in 28..<(good.utf8.count - 1) { #expect(!PEMBlocks(Array(good.utf8.prefix(count))).isComplete) }
    #expect(!PEMBlocks(Array(good.replacing("END CERT", with: "END KERT").utf8)).isComplete)
    #expect(!PEMBlocks(Array(good.replacing("MIIB", with: "M<B").utf8)).isComplete)
    #expect(PEMBlocks([]).labels.isEmpty)
}
