import Testing

@testable import ConfigurationLoading

/// The checkout that these tests were built from.
private let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }

@Suite("Methods of other products, over the wire")
struct MethodTests {
    @Test("each row of the tables does what it says", arguments: MethodCase.all)
    func row(method: MethodCase) throws { try method.play() }

    /// The first cells of the tables whose second column is Meridian's.
    private static func documented() throws -> [String] {
        let text = String(decoding: try TextFile.read("\(root)/docs/steering.md", limit: 1 << 20), as: UTF8.self)
        var product: String?
        var rows: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("| ") else {
                if !line.hasPrefix("|") { product = nil }
                continue
            }
            let cells = line.split(separator: "|").map { cell in
                cell.filter { $0 != "`" }.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            }.map { String($0) }
            guard cells.count == 2 else { continue }
            if cells[1] == "Meridian" {
                product = cells[0]
            } else if let product {
                rows.append("\(product): \(cells[0])")
            }
        }
        return rows
    }

    @Test("each row has its case here, each case its row, and there are none without an equivalent")
    func documentation() throws {
        let rows = try Self.documented()
        #expect(rows.count > 60)
        #expect(Set(rows).count == rows.count)
        #expect(Set(rows) == Set(MethodCase.all.map(\.description)))
    }
}
