import Glibc
import Testing

@testable import ConfigurationLoading

/// With `MERIDIAN_UPDATE=1` these tests write the generated files instead of comparing them.
private let updates = unsafe getenv("MERIDIAN_UPDATE") != nil

private func text(_ path: String) throws -> String {
    String(decoding: try TextFile.read(path, limit: 4 << 20), as: UTF8.self)
}

private func write(_ text: String, to path: String) throws {
    guard let file = unsafe fopen(path, "w") else { throw FileProblem(wrong: "cannot write \(path)", advice: "") }
    let written = unsafe fputs(text, file)
    #expect(written >= 0)
    let closed = unsafe fclose(file)
    #expect(closed == 0)
}

@Test("the committed JSON Schema is what the model says")
func schemaIsCurrent() throws {
    let path = "\(root)/schema/meridian.schema.json"
    if updates { try write(ConfigurationSchema.json, to: path) }
    #expect(try text(path) == ConfigurationSchema.json, "write it with: MERIDIAN_UPDATE=1 swift test")
}

@Test("the reference in the documentation is what the model says")
func referenceIsCurrent() throws {
    let path = "\(root)/docs/configuration.md"
    let begin = "<!-- reference: begin (made from the model; a test compares) -->\n"
    let end = "<!-- reference: end -->\n"
    let document = try text(path)
    let head = try #require(document.ranges(of: begin).first?.upperBound)
    let tail = try #require(document.ranges(of: end).first?.lowerBound)
    let wanted = "\(document[..<head])\n\(ConfigurationReference.markdown)\n\(document[tail...])"
    if updates { try write(wanted, to: path) }
    #expect(try text(path) == wanted, "write it with: MERIDIAN_UPDATE=1 swift test")
}

@Test("every key of the model has a sentence, and no two keys of a mapping are alike")
func modelIsDescribed() {
    func check(_ shape: ShapeDescription) {
        switch shape {
        case .scalar(let scalar): #expect(!scalar.kind.isEmpty)
        case .list(let inner, _), .oneOrList(let inner), .map(_, let inner): check(inner)
        case .anyOf(let shapes): shapes.forEach(check)
        case .object(let model):
            #expect(Set(model.keys).count == model.keys.count, "\(model.title)")
            #expect(Set(model.keys).isSuperset(of: model.exactlyOne + model.atMostOne.flatMap(\.self)))
            for field in model.fields {
                #expect(field.summary.hasSuffix(".") || field.summary.hasSuffix("`"), "\(model.title).\(field.key)")
                check(field.shape)
            }
        }
    }
    check(.object(ConfigurationModel.model))
}
