internal import CLinux
internal import Linux
internal import Synchronization

/// What a writable layer holds.
public struct LayerUsage: Sendable, Equatable {
    /// Bytes allocated on disk.
    public var bytes: UInt64 = 0
    /// Inodes, those of directories included.
    public var inodes: UInt64 = 0
    /// When it was measured, nanoseconds since the epoch.
    public var time: Int64 = 0
}

/// Measures writable layers in the background, on one thread of the lowest priority.
///
/// A layer is measured as soon as it is first asked for; then again and again as long as someone asks, at intervals
/// that grow with the time it took and while nothing changes. The thread ends when nobody asks any more.
public final class LayerScanner: Sendable {
    struct Intervals: Sendable {
        /// Between two measurements of a layer that changes.
        var shortest = Duration.seconds(10)
        /// Between two measurements of one that does not.
        var longestIdle = Duration.seconds(60)
        /// How many times longer to wait than the measurement took.
        var share = 100
        /// No interval is longer.
        var longest = Duration.seconds(1200)
        /// For how long a layer is measured that nobody asks for.
        var memory = Duration.seconds(300)
    }

    private struct Target {
        var usage: LayerUsage?
        var due = ContinuousClock.now
        var asked = ContinuousClock.now
        var interval = Duration.zero
    }

    private struct State {
        var targets: [String: Target] = [:]
        var wake: WakeEvent?
        var isRunning = false
    }

    private let intervals: Intervals
    private let state = Mutex(State())

    init(intervals: Intervals = Intervals()) { self.intervals = intervals }

    /// The layer's usage as last measured; nil until then. Never waits.
    public func usage(of directory: String) -> LayerUsage? {
        if directory.isEmpty { return nil }
        let (usage, starts) = state.withLock { state in
            let isNew = state.targets[directory] == nil
            state.targets[directory, default: Target()].asked = .now
            if isNew { state.wake?.set() }
            let starts = !state.isRunning
            state.isRunning = true
            return (state.targets[directory]?.usage, starts)
        }
        if starts { start() }
        return usage
    }

    /// Whether nothing is being measured, and no thread waits to.
    var isIdle: Bool { state.withLock { !$0.isRunning } }

    private func start() {
        do {
            try Thread.start("fender-layers") { [weak self] in
                fender_background_thread()
                while let pause = self?.step() {
                    if let (wake, milliseconds) = pause { _ = wake.wait(milliseconds: milliseconds) }
                }
            }
        } catch {
            // No thread now: the next one to ask tries again.
            state.withLock { $0.isRunning = false }
        }
    }

    private enum Decision {
        case measure(String)
        case wait(WakeEvent, CInt)
        case end
    }

    /// Measures one layer that is due, or answers what to wait for; nil when there is nothing left to do.
    private func step() -> (WakeEvent, CInt)?? {
        switch state.withLock({ decide(&$0) }) {
        case .measure(let directory):
            measure(directory)
            return .some(nil)
        case .wait(let wake, let milliseconds): return .some((wake, milliseconds))
        case .end: return nil
        }
    }

    private func decide(_ state: inout State) -> Decision {
        let now = ContinuousClock.now
        state.targets = state.targets.filter { now - $0.value.asked < intervals.memory }
        state.wake = nil
        guard let next = state.targets.min(by: { $0.value.due < $1.value.due }) else {
            state.isRunning = false
            return .end
        }
        if next.value.due <= now { return .measure(next.key) }
        guard let wake = try? WakeEvent() else {
            state.isRunning = false
            return .end
        }
        state.wake = wake
        return .wait(wake, CInt(clamping: (next.value.due - now).milliseconds + 1))
    }

    private func measure(_ directory: String) {
        let start = ContinuousClock.now
        let usage = try? LayerWalk.measure(directory)
        let end = ContinuousClock.now
        state.withLock { state in
            guard var target = state.targets[directory] else { return }
            let isSame =
                usage == nil || (usage?.bytes == target.usage?.bytes && usage?.inodes == target.usage?.inodes)
            if let usage { target.usage = usage }
            target.interval = isSame ? min(target.interval * 2, intervals.longestIdle) : .zero
            target.interval = max(target.interval, intervals.shortest)
            target.due = end + min(max(target.interval, (end - start) * intervals.share), intervals.longest)
            state.targets[directory] = target
        }
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
