import CLinux
import Glibc
package import Telemetry

/// What the kernel says about the process, by the names that all exporters use.
package enum ProcessMetrics {
    static let processor = MetricFamily(
        "process_cpu_seconds_total", .counter, [], "Processor time of all threads, in user and kernel mode.")
    static let resident = MetricFamily("process_resident_memory_bytes", .gauge, [], "Resident memory.")
    static let virtual = MetricFamily("process_virtual_memory_bytes", .gauge, [], "Virtual memory.")
    static let descriptors = MetricFamily("process_open_fds", .gauge, [], "Open file descriptors.")
    static let descriptorLimit = MetricFamily("process_max_fds", .gauge, [], "The limit of open file descriptors.")
    static let started = MetricFamily(
        "process_start_time_seconds", .gauge, [], "When the process started; seconds since 1970.")
    static let threads = MetricFamily("process_threads", .gauge, [], "Threads.")

    package static let all = [processor, resident, virtual, descriptors, descriptorLimit, started, threads]
}

/// One reading of /proc/self; what cannot be read is zero.
struct ProcessReading {
    var processorSeconds = 0.0
    var residentBytes: UInt64 = 0
    var virtualBytes: UInt64 = 0
    var descriptors: UInt64 = 0
    var descriptorLimit: UInt64 = 0
    var startSeconds = 0.0
    var threads: UInt64 = 0

    init() {
        var clock = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &clock)
        processorSeconds = Double(clock.tv_sec) + Double(clock.tv_nsec) / 1e9
        // proc(5): the fields behind the name, which is in parentheses and may have spaces.
        let stat = Self.text("/proc/self/stat")
        let fields = (stat.lastIndex(of: ")").map { stat[stat.index(after: $0)...] } ?? "").split(separator: " ")
        if fields.count > 21 {
            threads = UInt64(fields[17]) ?? 0
            virtualBytes = UInt64(fields[20]) ?? 0
            residentBytes = (UInt64(fields[21]) ?? 0) * UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 1))
            let ticks = Double(max(sysconf(Int32(_SC_CLK_TCK)), 1))
            startSeconds = Self.bootSeconds + (Double(fields[19]) ?? 0) / ticks
        }
        descriptors = Self.descriptorCount
        descriptorLimit = DescriptorLimit.current ?? 0
    }

    private static var bootSeconds: Double {
        let line = text("/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst(6)) } ?? 0
    }

    private static var descriptorCount: UInt64 {
        guard let folder = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(folder) }
        var count: UInt64 = 0
        while unsafe readdir(folder) != nil { count += 1 }
        // Without the folder, its parent, and the descriptor that reads it.
        return count - min(count, 3)
    }

    private static func text(_ path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}

extension MetricsWriter {
    mutating func write(_ process: ProcessReading) {
        write(ProcessMetrics.processor, process.processorSeconds)
        write(ProcessMetrics.resident, process.residentBytes)
        write(ProcessMetrics.virtual, process.virtualBytes)
        write(ProcessMetrics.descriptors, process.descriptors)
        write(ProcessMetrics.descriptorLimit, process.descriptorLimit)
        write(ProcessMetrics.started, process.startSeconds)
        write(ProcessMetrics.threads, process.threads)
    }
}
