import Logging
import Telemetry
import TrafficModel

extension ProgramLog {
    func set(_ settings: LogSettings) {
        set(isJSON: settings.format == .json, level: settings.level.flatMap { Logger.Level(rawValue: $0.rawValue) })
    }
}
