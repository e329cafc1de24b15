internal import Linux
internal import Synchronization

/// Reads statistics in passes that all callers share.
///
/// What was read within ``patience`` is answered again; what is missing or older is read in one pass on a thread of its
/// own, and whoever asks meanwhile waits for that pass.
public final class StatisticsCollector: Sendable {
    /// How old an answer may be.
    static let patience = Duration.milliseconds(500)

    /// After how long something that nobody asks for is forgotten.
    private static let memory = Duration.seconds(600)

    private struct State {
        var entries: [String: StatisticsEntry] = [:]
        var pass: Task<[String: StatisticsEntry], Never>?
        var machine = Machine()
    }

    /// The writable layers' sizes.
    public let layers = LayerScanner()

    private let state = Mutex(State())

    /// A collector that has read nothing yet.
    public init() {}

    /// A sample of each subject that runs and whose cgroup is there, by id.
    ///
    /// What `depth` does not include may be in it or not.
    public func samples(
        of subjects: [StatisticsSubject], depth: StatisticsDepth
    ) async -> [String: StatisticsSample] {
        let subjects = subjects.filter { $0.pid > 0 }
        let oldest = ContinuousClock.now - Self.patience
        // What the passes that we waited for have read stays ours, whatever others do to the cache meanwhile.
        var found: [String: StatisticsEntry] = [:]
        while let pass = state.withLock({ step(subjects, depth, oldest: oldest, &found, &$0) }) {
            found.merge(await pass.value) { $1.reading.depth >= $0.reading.depth ? $1 : $0 }
        }
        return found.compactMapValues(\.reading.sample)
    }

    /// Takes what is known already; the pass to wait for, if there is more to know.
    private func step(
        _ subjects: [StatisticsSubject], _ depth: StatisticsDepth, oldest: ContinuousClock.Instant,
        _ found: inout [String: StatisticsEntry], _ state: inout State
    ) -> Task<[String: StatisticsEntry], Never>? {
        var stale: [StatisticsSubject] = []
        var wanted: [String: StatisticsEntry] = [:]
        for subject in subjects {
            let entry = [found[subject.id], state.entries[subject.id]].compactMap { $0 }.first {
                $0.isGood(for: subject, depth, since: oldest)
            }
            wanted[subject.id] = entry
            if entry == nil { stale.append(subject) }
        }
        found = wanted
        if stale.isEmpty { return nil }
        if let pass = state.pass { return pass }
        let pass = Task { await self.read(stale, depth) }
        state.pass = pass
        return pass
    }

    private func read(_ subjects: [StatisticsSubject], _ depth: StatisticsDepth) async -> [String: StatisticsEntry] {
        let (machine, known) = state.withLock { state in
            (state.machine, subjects.map { state.entries[$0.id] })
        }
        let pass = StatisticsPass(machine: machine, depth: depth)
        let now = ContinuousClock.now
        // Without a thread the answer is that nothing could be read.
        let (after, read) =
            (try? await DedicatedThread.run { pass.run(subjects, known) })
            ?? (machine, subjects.map { StatisticsEntry(StatisticsReading(pid: $0.pid, time: now, depth: depth)) })
        let entries = Dictionary(zip(subjects.map(\.id), read)) { $1 }
        state.withLock { state in
            state.pass = nil
            state.machine = after
            state.entries.merge(entries) { $1 }
            state.entries = state.entries.filter { now - $0.value.reading.time < Self.memory }
        }
        return entries
    }
}
