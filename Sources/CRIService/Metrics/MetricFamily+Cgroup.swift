internal import CRI
internal import Statistics

/// Metrics that a container has and a pod's cgroup too. Values are whole numbers, seconds included: the CRI has no
/// others.
extension MetricFamily {
    static let cgroup: [MetricFamily] =
        cpu + memory + pressure + limits + [
            .gauge("container_last_seen", "When the container was last read, seconds since the epoch.") {
                UInt64(clamping: $0.sample.time).nanosecondsInSeconds
            },
            .gauge("container_start_time_seconds", "When it was started, seconds since the epoch.") {
                UInt64(clamping: $0.startedAt).nanosecondsInSeconds
            },
            .gauge("container_threads", "Threads that run.") { $0.details.tasks },
            .gauge("container_threads_max", "The limit on threads; 0 for none.") { $0.details.taskLimit ?? 0 },
        ]

    private static let cpu: [MetricFamily] = [
        MetricFamily("container_cpu_usage_seconds_total", .counter, "CPU time used, seconds.", labels: ["cpu"]) {
            [Value($0.cpu.usage.nanosecondsInSeconds, ["total"])]
        },
        .counter("container_cpu_user_seconds_total", "CPU time used in user mode, seconds.") {
            $0.cpu.user.nanosecondsInSeconds
        },
        .counter("container_cpu_system_seconds_total", "CPU time used in the kernel, seconds.") {
            $0.cpu.system.nanosecondsInSeconds
        },
        .counter("container_cpu_cfs_periods_total", "Periods in which the CPU quota was enforced.") { $0.cpu.periods },
        .counter("container_cpu_cfs_throttled_periods_total", "Periods in which the CPU quota was used up.") {
            $0.cpu.throttledPeriods
        },
        .counter("container_cpu_cfs_throttled_seconds_total", "Time throttled, seconds.") {
            $0.cpu.throttledTime.nanosecondsInSeconds
        },
    ]

    private static let memory: [MetricFamily] = [
        .gauge("container_memory_usage_bytes", "Memory in use, page cache included, bytes.") { $0.memory.usage },
        .gauge("container_memory_working_set_bytes", "Memory in use but for inactive page cache, bytes.") {
            $0.memory.workingSet
        },
        .gauge("container_memory_rss", "Anonymous memory, bytes.") { $0.memory.rss },
        .gauge("container_memory_cache", "Page cache, bytes.") { $0.memory.cache },
        .gauge("container_memory_mapped_file", "Mapped files in memory, bytes.") { $0.memory.mappedFile },
        .gauge("container_memory_swap", "Swapped out, bytes.") { $0.memory.swap ?? 0 },
        .gauge("container_memory_kernel_usage", "Memory of the kernel, bytes.") { $0.details.kernelMemory },
        .gauge("container_memory_max_usage_bytes", "The most memory in use so far, bytes.") { $0.details.peakMemory },
        .counter("container_memory_failcnt", "How often memory met its limit.") { $0.details.memoryFailures },
        MetricFamily(
            "container_memory_failures_total", .counter, "Page faults.", labels: ["failure_type", "scope"]
        ) { source in
            let faults = [("pgfault", source.memory.pageFaults), ("pgmajfault", source.memory.majorPageFaults)]
            return faults.flatMap { name, count in
                ["container", "hierarchy"].map { Value(count, [name, $0]) }
            }
        },
        .counter("container_oom_events_total", "Processes ended because memory ran out.") { $0.details.oomKills },
        MetricFamily("container_hugetlb_usage_bytes", .gauge, "Huge pages in use, bytes.", labels: ["pagesize"]) {
            $0.details.hugepages.map { Value($0.usage, [$0.size]) }
        },
        MetricFamily(
            "container_hugetlb_max_usage_bytes", .gauge, "The most huge pages in use so far, bytes.",
            labels: ["pagesize"]
        ) {
            $0.details.hugepages.map { Value($0.peak, [$0.size]) }
        },
    ]

    private static let pressure: [MetricFamily] = [
        .counter("container_pressure_cpu_stalled_seconds_total", "Time no task could go on for want of CPU.") {
            ($0.part.cgroup.pressure.cpu?.full.total ?? 0).microsecondsInSeconds
        },
        .counter("container_pressure_cpu_waiting_seconds_total", "Time some task waited for CPU.") {
            ($0.part.cgroup.pressure.cpu?.some.total ?? 0).microsecondsInSeconds
        },
        .counter("container_pressure_memory_stalled_seconds_total", "Time no task could go on for want of memory.") {
            ($0.part.cgroup.pressure.memory?.full.total ?? 0).microsecondsInSeconds
        },
        .counter("container_pressure_memory_waiting_seconds_total", "Time some task waited for memory.") {
            ($0.part.cgroup.pressure.memory?.some.total ?? 0).microsecondsInSeconds
        },
        .counter("container_pressure_io_stalled_seconds_total", "Time no task could go on for want of I/O.") {
            ($0.part.cgroup.pressure.io?.full.total ?? 0).microsecondsInSeconds
        },
        .counter("container_pressure_io_waiting_seconds_total", "Time some task waited for I/O.") {
            ($0.part.cgroup.pressure.io?.some.total ?? 0).microsecondsInSeconds
        },
    ]

    private static let limits: [MetricFamily] = [
        .gauge("container_spec_cpu_period", "The period of the CPU quota, microseconds.") { $0.details.cpuPeriod },
        .gauge("container_spec_cpu_quota", "CPU time a period, microseconds; 0 for no limit.") {
            $0.details.cpuQuota ?? 0
        },
        .gauge("container_spec_cpu_shares", "CPU shares.") { $0.details.cpuShares },
        .gauge("container_spec_memory_limit_bytes", "The limit on memory, bytes; 0 for none.") {
            $0.memory.limit ?? 0
        },
        .gauge("container_spec_memory_reservation_limit_bytes", "Memory reserved, bytes; 0 for none.") {
            $0.details.memoryReservation ?? 0
        },
        .gauge("container_spec_memory_swap_limit_bytes", "The limit on memory and swap, bytes; 0 for none.") { source in
            source.memory.swapLimit.flatMap { swap in source.memory.limit.map { $0 + swap } } ?? 0
        },
    ]
}
