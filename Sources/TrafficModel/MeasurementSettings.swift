/// Where measurements come from, and for how long they count.
package struct MeasurementSettings: Sendable, Hashable {
    /// A file that others write; `nil`: none.
    package var filePath: String?
    package var maximumAge: Duration = .seconds(60)
    package var maximumLatencyAge: Duration = .seconds(86_400)

    package init() {}
}
