internal import Glibc
internal import Linux

extension Registry {
    /// Adds the numbers of this process that every Prometheus client has.
    public func readProcess() {
        read("process_resident_memory_bytes", "Resident memory size in bytes.") { Self.stat(21).map { $0 * pageSize } }
        read("process_virtual_memory_bytes", "Virtual memory size in bytes.") { Self.stat(20) }
        read("process_cpu_seconds_total", "Total user and system CPU time in seconds.", as: .counter) {
            guard let user = Self.stat(11), let system = Self.stat(12) else { return nil }
            return (user + system) / ticksPerSecond
        }
        read("process_start_time_seconds", "Start time since the Unix epoch in seconds.") {
            guard let start = Self.stat(19), let boot = Self.bootTime() else { return nil }
            return boot + start / ticksPerSecond
        }
        read("process_open_fds", "Number of open file descriptors.") {
            // One of them reads the directory.
            (try? Files.names(in: "/proc/self/fd")).map { Double($0.count - 1) }
        }
        read("process_max_fds", "Maximum number of open file descriptors.") {
            var limit = rlimit()
            return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? Double(limit.rlim_cur) : nil
        }
        read("process_threads", "Number of threads.") { Self.stat(17) }
    }

    /// A number of `/proc/self/stat`, counted from the first after the command's name.
    private static func stat(_ index: Int) -> Double? {
        guard let text = try? Files.text("/proc/self/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return index < fields.count ? Double(fields[index]) : nil
    }

    private static func bootTime() -> Double? {
        guard let text = try? Files.text("/proc/stat") else { return nil }
        return text.split(separator: "\n").first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst(6)) }
    }
}

private let pageSize = Double(sysconf(CInt(_SC_PAGESIZE)))
private let ticksPerSecond = Double(sysconf(CInt(_SC_CLK_TCK)))
