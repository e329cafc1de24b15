internal import Cgroups
internal import Glibc
internal import Linux

/// What is kept of one subject between passes; an object, since whoever looks for many copies many.
final class StatisticsEntry: Sendable {
    let reading: StatisticsReading

    init(_ reading: StatisticsReading) { self.reading = reading }

    func isGood(for subject: StatisticsSubject, _ wanted: StatisticsDepth, since oldest: ContinuousClock.Instant)
        -> Bool
    {
        reading.pid == subject.pid && reading.time >= oldest && reading.depth >= wanted
    }
}

/// What was read of one subject, and what the next pass needs to know of it.
struct StatisticsReading: Sendable {
    /// The process that its cgroups were found by.
    var pid: Int32
    /// When it was last read.
    var time: ContinuousClock.Instant
    /// How much was read.
    var depth: StatisticsDepth
    /// What was read; nil when it was gone.
    var sample: StatisticsSample?
    var own: CgroupFiles?
    var pod: CgroupFiles?
    var ownRate = Rate()
    var podRate = Rate()

    init(pid: Int32, time: ContinuousClock.Instant, depth: StatisticsDepth) {
        self.pid = pid
        self.time = time
        self.depth = depth
    }
}

/// CPU time a second, from the difference of two samples.
struct Rate: Sendable {
    private var base: (time: ContinuousClock.Instant, usage: UInt64)?
    private(set) var nanoCores: UInt64?

    /// Shorter intervals tell of the scheduler rather than of the container.
    private static let shortest = Duration.milliseconds(900)

    /// Takes in the CPU time used until `time`, nanoseconds.
    mutating func update(_ usage: UInt64, at time: ContinuousClock.Instant) {
        guard let base, usage >= base.usage else {
            base = (time, usage)
            nanoCores = nil
            return
        }
        let interval = time - base.time
        if interval < Self.shortest { return }
        nanoCores = UInt64(Double(usage - base.usage) / (interval / .seconds(1)))
        self.base = (time, usage)
    }
}

/// What does not change from pass to pass.
struct Machine: Sendable {
    /// Where cgroups are mounted; nil until the first pass, and again when a cgroup could not be found.
    var hierarchies: CgroupHierarchies?
    /// Sizes of huge pages, as control files name them.
    var hugepageSizes: [String] = []
}

/// One pass over all subjects; blocks its thread for as long as the kernel takes.
struct StatisticsPass: Sendable {
    var machine: Machine
    let depth: StatisticsDepth

    init(machine: Machine, depth: StatisticsDepth) {
        self.machine = machine
        self.depth = depth
    }

    /// Reads the subjects, using what is known of them from before.
    func run(_ subjects: [StatisticsSubject], _ known: [StatisticsEntry?]) -> (Machine, [StatisticsEntry]) {
        var machine = machine
        if machine.hierarchies == nil {
            machine.hierarchies = try? CgroupHierarchies.read()
            machine.hugepageSizes = (try? HugepageLimit.kernelSizes()) ?? []
        }
        let reader = FileReader()
        var entries = zip(subjects, known).map { subject, known in read(subject, known?.reading, machine, reader) }
        if depth == .metrics { addFilesystems(to: &entries, subjects) }
        // Mounted since, perhaps: looked for again in the next pass.
        if entries.contains(where: { $0.own == nil }) { machine.hierarchies = nil }
        return (machine, entries.map(StatisticsEntry.init))
    }

    private func read(
        _ subject: StatisticsSubject, _ known: StatisticsReading?, _ machine: Machine, _ reader: borrowing FileReader
    ) -> StatisticsReading {
        var entry = StatisticsReading(pid: subject.pid, time: .now, depth: depth)
        if let known, known.pid == subject.pid, known.own != nil {
            (entry.own, entry.pod, entry.ownRate, entry.podRate) =
                (known.own, known.pod, known.ownRate, known.podRate)
        } else {
            find(subject, &entry, machine)
        }
        guard let own = entry.own, let cgroup = own.sample(reader, depth) else {
            // Gone, or its process's number is another's by now: looked for anew the next time.
            entry.own = nil
            return entry
        }
        entry.time = .now
        var sample = StatisticsSample(
            time: Self.wallClock(), own: part(own, cgroup, &entry.ownRate, entry.time))
        if let pod = entry.pod, let cgroup = pod.sample(reader, depth) {
            sample.pod = part(pod, cgroup, &entry.podRate, .now)
        }
        if subject.hasNetwork {
            sample.interfaces = InterfaceSample.read("/proc/\(subject.pid)/net/dev", reader)
        }
        switch depth {
        case .usage: break
        case .processes: sample.processCount = own.processCount(reader)
        case .metrics:
            let processes = (try? own.cgroup.processes()) ?? []
            sample.processes = ProcessSample.read(processes, first: subject.pid, reader)
            sample.processCount = UInt64(processes.count)
        }
        entry.sample = sample
        return entry
    }

    private func addFilesystems(to entries: inout [StatisticsReading], _ subjects: [StatisticsSubject]) {
        var known: [String: FilesystemSample?] = [:]
        for index in entries.indices where !subjects[index].storage.isEmpty {
            let storage = subjects[index].storage
            if known[storage] == nil { known[storage] = .some(FilesystemSample.read(storage)) }
            entries[index].sample?.filesystem = known[storage] ?? nil
        }
    }

    private func find(_ subject: StatisticsSubject, _ entry: inout StatisticsReading, _ machine: Machine) {
        let found = try? machine.hierarchies?.cgroup(of: subject.pid).named(subject.id)
        guard let cgroup = found else { return }
        entry.own = CgroupFiles(cgroup, hugepageSizes: machine.hugepageSizes)
        if let uid = subject.podUID, let parent = cgroup.parent, Self.isPod(parent, uid) {
            entry.pod = CgroupFiles(parent, hugepageSizes: machine.hugepageSizes)
        }
    }

    /// Kubelets name a pod's cgroup `pod<uid>`, with the systemd driver `…-pod<uid, _ for ->.slice`.
    private static func isPod(_ cgroup: Cgroup, _ uid: String) -> Bool {
        if uid.isEmpty { return false }
        let name = cgroup.name
        let underscored = String(uid.map { $0 == "-" ? "_" : $0 })
        return name == "pod\(uid)" || name.hasSuffix("-pod\(underscored).slice")
    }

    private func part(
        _ files: CgroupFiles, _ cgroup: CgroupSample, _ rate: inout Rate, _ time: ContinuousClock.Instant
    ) -> StatisticsSample.Part {
        if let cpu = cgroup.cpu { rate.update(cpu.usage, at: time) }
        return StatisticsSample.Part(path: files.cgroup.path, cgroup: cgroup, nanoCores: rate.nanoCores)
    }

    private static func wallClock() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }
}
