import ConfigurationLoading
import Logging
import Telemetry
import TrafficModel

extension Node {
    /// How often the file of measurements is looked at, and readings that became too old are noticed.
    private static let measurementInterval = Duration.seconds(1)

    /// Follows the file of measurements, until the task is cancelled.
    package func followMeasurements() async {
        var stamp: MeasurementFile.Stamp?
        var path: String?
        var complaint: String?
        while !Task.isCancelled {
            let settings = compiler.intent.measurements
            if settings.filePath != path {
                (path, stamp, complaint) = (settings.filePath, nil, nil)
                if path == nil { take(Measurements(), settings) }
            }
            let known = observations.measurements
            if known.maximumAge != settings.maximumAge || known.maximumLatencyAge != settings.maximumLatencyAge {
                take(known, settings)
            }
            if let path, stamp.map(MeasurementFile.isCurrent) != true {
                do throws(MeasurementFile.Problem) {
                    let (read, now) = try MeasurementFile.read(
                        path, into: observations.measurements, now: MonotonicClock.now)
                    take(read, settings)
                    (stamp, complaint) = (now, nil)
                } catch {
                    // The last readings stay until they are too old. The same complaint is made once.
                    if complaint != error.description {
                        logger.warning("measurements stay as they were", metadata: ["reason": "\(error)"])
                        complaint = error.description
                    }
                }
            }
            expireMeasurements(settings)
            // Cancelled: the loop ends by its condition.
            try? await Task.sleep(for: Self.measurementInterval)
        }
    }

    private func take(_ measurements: Measurements, _ settings: MeasurementSettings) {
        var measurements = measurements
        measurements.maximumAge = settings.maximumAge
        measurements.maximumLatencyAge = settings.maximumLatencyAge
        replace(measurements)
    }

    /// Takes out what is too old, for a snapshot that stays would go on heeding it.
    private func expireMeasurements(_ settings: MeasurementSettings) {
        let now = MonotonicClock.now
        var measurements = observations.measurements
        measurements.loads = measurements.loads.mapValues { readings in
            readings.filter { Measurements.age(of: $0.value.time, now: now) <= settings.maximumAge }
        }.filter { !$0.value.isEmpty }
        measurements.latency = measurements.latency.mapValues { samples in
            samples.filter { Measurements.age(of: $0.value.time, now: now) <= settings.maximumLatencyAge }
        }.filter { !$0.value.isEmpty }
        guard measurements != observations.measurements else { return }
        if measurements.latency != observations.measurements.latency { measurements.latencyVersion &+= 1 }
        replace(measurements)
    }
}
