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
        var pass: Task<Void, Never>?
        var machine = Machine()
    }

    /// The writable layers' sizes.
    public let layers = LayerScanner()

    private let state = Mutex(State())

    /// A collector that has read nothing yet.
    public init() {}

    /// A sample of each subject that runs and whose cgroup is there, by id.
    ///
    /// `detailed` fills what only metrics show, which takes longer.
    public func samples(
        of subjects: [StatisticsSubject], detailed: Bool = false
    ) async -> [String: StatisticsSample] {
        let subjects = subjects.filter { $0.pid > 0 }
        let oldest = ContinuousClock.now - Self.patience
        while true {
            switch state.withLock({ step(subjects, detailed: detailed, oldest: oldest, &$0) }) {
            case .done(let samples): return samples
            case .wait(let pass): await pass.value
            }
        }
    }

    private enum Step {
        case done([String: StatisticsSample])
        case wait(Task<Void, Never>)
    }

    private func step(
        _ subjects: [StatisticsSubject], detailed: Bool, oldest: ContinuousClock.Instant, _ state: inout State
    ) -> Step {
        let stale = subjects.filter { subject in
            guard let entry = state.entries[subject.id] else { return true }
            return !entry.isGood(for: subject, detailed: detailed, since: oldest)
        }
        if stale.isEmpty {
            let pairs = subjects.compactMap { subject in
                state.entries[subject.id]?.sample.map { (subject.id, $0) }
            }
            return .done(Dictionary(pairs, uniquingKeysWith: { first, _ in first }))
        }
        if let pass = state.pass { return .wait(pass) }
        let pass = Task { await self.read(stale, detailed: detailed) }
        state.pass = pass
        return .wait(pass)
    }

    private func read(_ subjects: [StatisticsSubject], detailed: Bool) async {
        let (machine, known) = state.withLock { state in
            (state.machine, subjects.map { state.entries[$0.id] })
        }
        let pass = StatisticsPass(machine: machine, detailed: detailed)
        // Without a thread the answer is that nothing could be read.
        let read =
            (try? await DedicatedThread.run { pass.run(subjects, known) }) ?? (machine, subjects.map { _ in nil })
        let now = ContinuousClock.now
        state.withLock { state in
            state.pass = nil
            state.machine = read.0
            for (subject, entry) in zip(subjects, read.1) {
                state.entries[subject.id] = entry ?? StatisticsEntry(pid: subject.pid, time: now, isDetailed: detailed)
            }
            state.entries = state.entries.filter { now - $0.value.time < Self.memory }
        }
    }
}
