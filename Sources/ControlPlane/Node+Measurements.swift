import ConfigurationLoading
import HealthMonitoring
import Logging
import Steering
import Telemetry
import TrafficModel

extension Node {
    /// How often the sources of measurements are looked at, and readings that became too old are noticed.
    private static let measurementInterval = Duration.seconds(1)

    /// Follows the sources of measurements, until the task is cancelled.
    package func followMeasurements() async {
        var file = FollowedFile()
        var meter = ListenerMeter()
        while !Task.isCancelled {
            // Nobody asks ten thousand monitors in vain.
            let checks = compiler.plan.usesLoads ? await health.measurements() : []
            var feeds = LoadFeeds()
            let (intent, usesLoads) = (compiler.intent, compiler.plan.usesLoads)
            var measurements = observations.measurements
            measurements.maximumAge = intent.measurements.maximumAge
            measurements.maximumLatencyAge = intent.measurements.maximumLatencyAge
            let now = MonotonicClock.now
            file.follow(intent.measurements.filePath, &measurements, now: now, logger: logger)
            feeds.file = file.loads
            if usesLoads {
                feeds.checks = Self.readings(of: intent, checks)
                feeds.listeners = meter.read(intent, proxy, snapshot.balancing, now: now)
            }
            measurements.loads = feeds.merged(maximumAge: measurements.maximumAge, now: now)
            expireLatency(&measurements, now: now)
            replace(measurements)
            // Cancelled: the loop ends by its condition.
            try? await Task.sleep(for: Self.measurementInterval)
        }
    }

    /// What the checks of virtual servers measured, by server.
    private static func readings(of intent: Intent, _ measured: [TargetMeasurement]) -> LoadFeeds.Readings {
        guard !measured.isEmpty else { return [:] }
        let byTarget = Dictionary(measured.map { ($0.target, $0) }, uniquingKeysWith: { first, _ in first })
        var result: LoadFeeds.Readings = [:]
        for server in intent.virtualServers {
            var readings: [Criterion: Measurements.Reading] = [:]
            for position in server.monitors {
                let monitor = intent.monitors[position]
                guard let found = byTarget[HealthTarget(endpoint: server.endpoint, monitor: monitor)] else { continue }
                let source = "health check \(monitor.name)"
                for (criterion, value) in found.loads where readings[criterion] == nil {
                    readings[criterion] = .init(value: value, source: source, time: found.time)
                }
                // The slowest of its checks.
                if readings[.response].map({ $0.value < found.responseTime }) ?? true {
                    readings[.response] = .init(value: found.responseTime, source: source, time: found.time)
                }
            }
            if !readings.isEmpty { result[server.name] = readings }
        }
        return result
    }

    /// Takes out what is too old, for a table that stays would go on heeding it.
    private func expireLatency(_ measurements: inout Measurements, now: UInt64) {
        let maximum = measurements.maximumLatencyAge
        guard
            measurements.latency.values.contains(where: { samples in
                samples.values.contains { Measurements.age(of: $0.time, now: now) > maximum }
            })
        else { return }
        measurements.latency = measurements.latency.mapValues { samples in
            samples.filter { Measurements.age(of: $0.value.time, now: now) <= maximum }
        }.filter { !$0.value.isEmpty }
        measurements.latencyVersion &+= 1
    }
}

/// A file of measurements that is read again when it changes.
private struct FollowedFile {
    private var path: String?
    private var stamp: MeasurementFile.Stamp?
    private var complaint: String?
    private(set) var loads: LoadFeeds.Readings = [:]

    /// - Parameter measurements: get the file's latencies; loads are kept here.
    mutating func follow(_ path: String?, _ measurements: inout Measurements, now: UInt64, logger: Logger) {
        if path != self.path {
            (self.path, stamp, complaint, loads) = (path, nil, nil, [:])
            if !measurements.latency.isEmpty {
                measurements.latency = [:]
                measurements.latencyVersion &+= 1
            }
        }
        guard let path, stamp.map(MeasurementFile.isCurrent) != true else { return }
        do throws(MeasurementFile.Problem) {
            let (read, stamp) = try MeasurementFile.read(path, into: measurements, now: now)
            (measurements, self.stamp, complaint, loads) = (read, stamp, nil, read.loads)
        } catch {
            // The last readings stay until they are too old. The same complaint is made once.
            guard complaint != error.description else { return }
            logger.warning("measurements stay as they were", metadata: ["reason": "\(error)"])
            complaint = error.description
        }
    }
}
