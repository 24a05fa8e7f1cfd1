package import Geography
package import TrafficModel

/// What became of a configuration.
package struct LoadResult: Sendable {
    /// `nil` if there is any error; else complete and without dangling positions.
    package var intent: Intent?
    /// What the configuration's geography files say; there if `intent` is.
    package var geography: GeographyDatabase?
    /// Errors and warnings in the order of the file; those of other files that it names after its own.
    package var diagnostics: [Diagnostic]
    /// What came from zone files, for the next reload.
    package var zones = ZoneCache()
    /// Zone files that are broken, where a reload goes on without what they say now.
    package var zoneFailures: [ZoneFailure] = []
    /// Zone files that were read, not taken over.
    package var zoneFilesRead = 0
}
