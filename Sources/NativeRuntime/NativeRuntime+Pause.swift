internal import CRI
internal import Executor
internal import Glibc
internal import Linux
internal import Logging
internal import OCI
internal import Pause
internal import Runtime

/// The sandbox's pause process: pid 1 of a shared pid namespace, and what the pod's own cgroup is counted by.
extension NativeRuntime {
    func startPause(_ id: String, _ config: PodSandboxConfig) async throws {
        // A start may have had no room for it.
        try await importPause()
        let spec = PauseSpec(
            id: id, config: config, namespaces: namespaces(id), rootfs: try pauseRoot(),
            idSpace: try idSpace(id, config.linux.securityContext.namespaceOptions))
        let bundle = sandboxes.directory(id)
        try Files.replace("\(bundle)/config.json", with: spec.json.bytes, isDurable: false)
        try await DedicatedThread.run { [self] in
            var options = ContainerStore.CreateOptions()
            options.bundle = bundle
            options.newKeyring = false
            options.warn = warn
            _ = try executor.create(id, options).start()
        }
    }

    /// A sandbox whose pause process ends by itself is NOTREADY from then on.
    func watchPause(_ id: String) {
        Task {
            do {
                try await (try? executor.container(id))?.processEnd(loop)
                try change(sandbox: id) { record in
                    record.status.state = .sandboxNotready
                    record.pid = 0
                }
            } catch {
                logger.error("watch sandbox", metadata: ["id": "\(id)", "error": "\(error)"])
            }
        }
    }

    func endPause(_ id: String) async throws {
        try await DedicatedThread.run { [self] in
            if let pause = try? executor.container(id) { _ = try pause.delete(force: true) }
            _ = try executor.deleteRemains(id)
        }
    }
}
