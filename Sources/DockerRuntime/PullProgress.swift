internal import DockerEngine
internal import Logging
internal import Runtime
internal import Synchronization

/// Follows a pull: tells the log how far it is, and ends it when nothing moves for too long.
struct PullProgress: Sendable {
    let reference: ImageReference
    let deadline: Duration
    let logger: Logger

    /// Returns when the pull is done. Throws Docker's error, or DeadlineExceeded without progress.
    func follow(_ stream: DockerStream<Docker.JSONMessage>) async throws {
        let clock = ProgressClock()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var reported = ContinuousClock.now
                for try await message in stream {
                    clock.moved()
                    if reported.duration(to: .now) > .seconds(10), let progress = message.progressDetail {
                        reported = .now
                        report(message, progress)
                    }
                }
            }
            if deadline > .zero {
                group.addTask {
                    while true {
                        let left = deadline - clock.idle
                        if left <= .zero {
                            throw RuntimeError(
                                .deadlineExceeded, "pull image \(reference): no progress for \(deadline)")
                        }
                        try await Task.sleep(for: left)
                    }
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func report(_ message: Docker.JSONMessage, _ progress: Docker.ProgressDetail) {
        logger.info(
            "pulling",
            metadata: [
                "image": "\(reference)", "layer": "\(message.id ?? "")", "status": "\(message.status ?? "")",
                "bytes": "\(progress.current ?? 0)", "of": "\(progress.total ?? 0)",
            ])
    }
}

/// When something moved last.
private final class ProgressClock: Sendable {
    private let last = Mutex(ContinuousClock.now)

    func moved() { last.withLock { $0 = .now } }

    var idle: Duration { last.withLock { $0.duration(to: .now) } }
}
