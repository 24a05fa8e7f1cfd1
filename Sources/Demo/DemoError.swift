/// Why the demo cannot run here, and what to do about it.
package struct DemoError: Error, CustomStringConvertible {
    package let reason: String

    package var description: String { reason }
}
