internal import Cgroups

/// Memory: the `memory` controller of v1 or of v2.
enum MemoryFiles: Sendable {
    case legacy(usage: String, stat: String)
    case unified(usage: String, stat: String, limit: String, swap: String, swapLimit: String)
    case none

    init(_ cgroup: Cgroup) {
        guard let directory = cgroup.directory(of: "memory") else {
            self = .none
            return
        }
        if cgroup.isLegacy("memory") {
            self = .legacy(usage: "\(directory)/memory.usage_in_bytes", stat: "\(directory)/memory.stat")
        } else {
            self = .unified(
                usage: "\(directory)/memory.current", stat: "\(directory)/memory.stat",
                limit: "\(directory)/memory.max", swap: "\(directory)/memory.swap.current",
                swapLimit: "\(directory)/memory.swap.max")
        }
    }

    func read(_ reader: borrowing FileReader) -> CgroupSample.Memory? {
        switch self {
        case .legacy(let usage, let stat):
            guard let usage = reader.number(usage) else { return nil }
            return Self.readLegacy(stat, CgroupSample.Memory(usage: usage), reader)
        case .unified(let usage, let stat, let limit, let swap, let swapLimit):
            guard let usage = reader.number(usage) else { return nil }
            guard var memory = Self.readUnified(stat, CgroupSample.Memory(usage: usage), reader) else { return nil }
            memory.limit = reader.number(limit)
            memory.swap = reader.number(swap)
            memory.swapLimit = memory.swap == nil ? nil : reader.number(swapLimit)
            return memory
        case .none: return nil
        }
    }

    /// The limits are in `memory.stat` too, those of the cgroups above included.
    private static func readLegacy(
        _ stat: String, _ usage: CgroupSample.Memory, _ reader: borrowing FileReader
    ) -> CgroupSample.Memory? {
        var found = usage
        var limits: (memory: UInt64?, both: UInt64?)
        let isThere = reader.fields(stat) { name, value in
            switch name {
            case "total_rss": found.rss = value
            case "total_cache": found.cache = value
            case "total_mapped_file": found.mappedFile = value
            case "total_inactive_file": found.inactiveFile = value
            case "total_pgfault": found.pageFaults = value
            case "total_pgmajfault": found.majorPageFaults = value
            case "total_swap": found.swap = value
            case "hierarchical_memory_limit": limits.memory = bytes(value)
            case "hierarchical_memsw_limit": limits.both = bytes(value)
            default: break
            }
        }
        found.limit = limits.memory
        if let both = limits.both, let memory = limits.memory { found.swapLimit = both - min(both, memory) }
        return isThere ? found : nil
    }

    private static func readUnified(
        _ stat: String, _ usage: CgroupSample.Memory, _ reader: borrowing FileReader
    ) -> CgroupSample.Memory? {
        var found = usage
        var parts: UInt64 = 0
        let isThere = reader.fields(stat) { name, value in
            switch name {
            case "anon": found.rss = value
            case "file": found.cache = value
            case "file_mapped": found.mappedFile = value
            case "inactive_file": found.inactiveFile = value
            case "pgfault": found.pageFaults = value
            case "pgmajfault": found.majorPageFaults = value
            case "kernel": found.kernel = value
            // What `kernel` sums up, for kernels before 5.18.
            case "kernel_stack", "pagetables", "percpu", "slab": parts &+= value
            default: break
            }
        }
        if found.kernel == 0 { found.kernel = parts }
        return isThere ? found : nil
    }

    /// v1 writes no limit as the largest multiple of a page.
    static func bytes(_ value: UInt64) -> UInt64? { value >= 0x7fff_ffff_ffff_0000 ? nil : value }
}
