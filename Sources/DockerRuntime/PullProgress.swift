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
        let moved = Mutex(ContinuousClock.now)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var reported = ContinuousClock.now
                for try await message in stream {
                    moved.withLock { $0 = .now }
                    if reported.duration(to: .now) > .seconds(10), let progress = message.progressDetail {
                        reported = .now
                        report(message, progress)
                    }
                }
            }
            if deadline > .zero {
                group.addTask {
                    while true {
                        let last = moved.withLock { $0 }
                        let left = deadline - last.duration(to: .now)
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
