internal import DockerEngine
internal import Glibc
internal import Linux
internal import Synchronization

/// What Docker's images and containers take on disk, measured in the background: the containers' part makes Docker
/// walk their writable layers, so it is asked for seldom, and the more seldom the longer it takes.
final class DiskUsage: Sendable {
    struct Reading: Sendable {
        var images: UInt64 = 0
        var containers: UInt64 = 0
        var inodes: UInt64 = 0
    }

    private struct State: Sendable {
        var containers: UInt64 = 0
        var next = ContinuousClock.now
        var isRunning = false
    }

    private let state = Mutex(State())

    /// Never waits for Docker: the containers' part is that of the last measurement.
    func read(engine: DockerEngine, root: String, images: UInt64) async -> Reading {
        let (containers, isDue) = state.withLock { state in
            let isDue = !state.isRunning && state.next <= .now
            if isDue { state.isRunning = true }
            return (state.containers, isDue)
        }
        if isDue { Task { await self.measure(engine) } }
        return Reading(images: images, containers: containers, inodes: Self.inodes(root))
    }

    private func measure(_ engine: DockerEngine) async {
        let start = ContinuousClock.now
        let sizes = try? await engine.listContainers(all: true, size: true, deadline: .seconds(600))
        let duration = start.duration(to: .now)
        state.withLock { state in
            if let sizes { state.containers = sizes.reduce(0) { $0 + UInt64(max(0, $1.SizeRw ?? 0)) } }
            state.next = .now + max(.seconds(120), duration * 20)
            state.isRunning = false
        }
    }

    private static func inodes(_ root: String) -> UInt64 {
        var status = statvfs()
        guard statvfs(root, &status) == 0 else { return 0 }
        return UInt64(status.f_files - status.f_ffree)
    }
}
