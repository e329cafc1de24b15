internal import Cgroups

/// The files that tell of one cgroup, with their paths made once and shared by everything that knows it.
final class CgroupFiles: Sendable {
    /// The cgroup.
    let cgroup: Cgroup

    let cpu: CPUFiles
    let memory: MemoryFiles
    let pressure: (cpu: String, memory: String, io: String)?
    let details: DetailFiles
    /// `cgroup.procs`: the processes that are directly in it.
    let processes: String?

    init(_ cgroup: Cgroup, hugepageSizes: [String]) {
        self.cgroup = cgroup
        cpu = CPUFiles(cgroup)
        memory = MemoryFiles(cgroup)
        pressure = cgroup.unifiedDirectory.map {
            ("\($0)/cpu.pressure", "\($0)/memory.pressure", "\($0)/io.pressure")
        }
        details = DetailFiles(cgroup, hugepageSizes: hugepageSizes)
        processes = (cgroup.directory(of: "pids") ?? cgroup.directory(of: "memory")).map { "\($0)/cgroup.procs" }
    }

    /// A sample; nil when the cgroup is gone.
    func sample(_ reader: borrowing FileReader, _ depth: StatisticsDepth) -> CgroupSample? {
        var sample = CgroupSample()
        sample.cpu = cpu.read(reader, withModes: depth == .metrics)
        sample.memory = memory.read(reader)
        if sample.cpu == nil && sample.memory == nil { return nil }
        if let pressure {
            sample.pressure.cpu = readPressure(pressure.cpu, reader)
            sample.pressure.memory = readPressure(pressure.memory, reader)
            sample.pressure.io = readPressure(pressure.io, reader)
        }
        if depth == .metrics { sample.details = details.read(reader, memory: sample.memory) }
        return sample
    }

    /// How many processes are directly in it.
    func processCount(_ reader: borrowing FileReader) -> UInt64 {
        guard let processes else { return 0 }
        return reader.read(processes) { bytes in
            UInt64(bytes.count { $0 == UInt8(ascii: "\n") })
        } ?? 0
    }

    /// A pressure file: `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and the same with `full`.
    private func readPressure(_ path: String, _ reader: borrowing FileReader) -> CgroupSample.Pressure? {
        reader.read(path) { bytes in
            var pressure = CgroupSample.Pressure()
            var text = Scanner(bytes)
            while !text.isAtEnd {
                let isFull = "full" ~= text.word()
                let line = readLine(&text)
                if isFull { pressure.full = line } else { pressure.some = line }
                text.skipLine()
            }
            return pressure
        }
    }

    private func readLine(_ text: inout Scanner) -> CgroupSample.Pressure.Line {
        var line = CgroupSample.Pressure.Line()
        while !text.isAtLineEnd {
            let name = text.word(until: UInt8(ascii: "="))
            if "total" ~= name {
                line.total = text.number() ?? 0
                _ = text.word()
                continue
            }
            let value = Double(text.word().text) ?? 0
            switch name {
            case "avg10": line.average10 = value
            case "avg60": line.average60 = value
            case "avg300": line.average300 = value
            default: break
            }
        }
        return line
    }
}

/// CPU time: `cpuacct` and `cpu` of v1, or `cpu.stat` of v2.
enum CPUFiles: Sendable {
    case legacy(usage: String, user: String, system: String, ticks: String, throttling: String?)
    case unified(String)
    case none

    init(_ cgroup: Cgroup) {
        if cgroup.isLegacy("cpuacct"), let directory = cgroup.directory(of: "cpuacct") {
            self = .legacy(
                usage: "\(directory)/cpuacct.usage", user: "\(directory)/cpuacct.usage_user",
                system: "\(directory)/cpuacct.usage_sys", ticks: "\(directory)/cpuacct.stat",
                throttling: cgroup.isLegacy("cpu") ? cgroup.directory(of: "cpu").map { "\($0)/cpu.stat" } : nil)
        } else if let directory = cgroup.unifiedDirectory {
            self = .unified("\(directory)/cpu.stat")
        } else {
            self = .none
        }
    }

    /// The total, and with `withModes` what v1 tells in files of their own: modes and throttling.
    func read(_ reader: borrowing FileReader, withModes: Bool) -> CgroupSample.CPU? {
        switch self {
        case .legacy(let usage, let user, let system, let ticks, let throttling):
            guard let all = reader.number(usage) else { return nil }
            var cpu = CgroupSample.CPU(usage: all)
            guard withModes else { return cpu }
            if let mine = reader.number(user), let kernels = reader.number(system) {
                (cpu.user, cpu.system) = (mine, kernels)
            } else {
                Self.readTicks(ticks, into: &cpu, reader)
            }
            if let throttling { Self.readThrottling(throttling, into: &cpu, reader) }
            return cpu
        case .unified(let stat): return Self.readUnified(stat, reader)
        case .none: return nil
        }
    }

    /// Kernels before 4.20 tell the modes in ticks only, 100 a second.
    private static func readTicks(_ path: String, into cpu: inout CgroupSample.CPU, _ reader: borrowing FileReader) {
        var ticks: (user: UInt64, system: UInt64) = (0, 0)
        reader.fields(path) { name, value in
            if "user" ~= name { ticks.user = value } else if "system" ~= name { ticks.system = value }
        }
        cpu.user = ticks.user &* 10_000_000
        cpu.system = ticks.system &* 10_000_000
    }

    private static func readThrottling(
        _ path: String, into cpu: inout CgroupSample.CPU, _ reader: borrowing FileReader
    ) {
        var found = cpu
        reader.fields(path) { name, value in
            switch name {
            case "nr_periods": found.periods = value
            case "nr_throttled": found.throttledPeriods = value
            case "throttled_time": found.throttledTime = value
            default: break
            }
        }
        cpu = found
    }

    private static func readUnified(_ path: String, _ reader: borrowing FileReader) -> CgroupSample.CPU? {
        var cpu = CgroupSample.CPU()
        let isThere = reader.fields(path) { name, value in
            switch name {
            case "usage_usec": cpu.usage = value &* 1000
            case "user_usec": cpu.user = value &* 1000
            case "system_usec": cpu.system = value &* 1000
            case "nr_periods": cpu.periods = value
            case "nr_throttled": cpu.throttledPeriods = value
            case "throttled_usec": cpu.throttledTime = value &* 1000
            default: break
            }
        }
        return isThere ? cpu : nil
    }
}
