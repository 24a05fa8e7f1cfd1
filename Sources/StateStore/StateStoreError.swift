/// Why what must survive cannot be kept or read, as one line with what to do.
package struct StateStoreError: Error, CustomStringConvertible {
    package let path: String
    package let reason: String
    package let advice: String

    package var description: String { "\(path): \(reason); \(advice)" }
}
