public import CRI
internal import NRI
public import Runtime
internal import Synchronization

/// A pod's life.
extension PluginHooks {
    /// Tells of a pod that is complete and that nobody sees yet; `commit` shows it. Throws when a plugin refuses it or
    /// `commit` fails; plugins are then told of its end.
    public func runSandbox(
        _ record: SandboxRecord, _ config: PodSandboxConfig, _ commit: () async throws -> Void
    ) async throws {
        var pod = NRIPodSandbox(record)
        pod.linux.podOverhead = NRILinuxResources(config.linux.overhead)
        pod.linux.podResources = NRILinuxResources(config.linux.resources)
        try await interface.undisturbed {
            do {
                try await interface.tell(.runPodSandbox, pod)
                state.withLock { $0.pods[pod.id] = KnownPod(pod: pod) }
                try await commit()
            } catch {
                state.withLock { $0.pods[pod.id] = nil }
                await tell(.stopPodSandbox, pod)
                await tell(.removePodSandbox, pod)
                throw refused(error, "run sandbox \(pod.id)")
            }
        }
    }

    /// Tells that a pod is being stopped, when its containers have ended and it is still there; once.
    public func stopSandbox(_ id: String) async {
        let pod: NRIPodSandbox? = state.withLock { state in
            guard state.pods[id]?.isLive == true else { return nil }
            state.pods[id]?.isLive = false
            return state.pods[id]?.pod
        }
        if let pod { await tell(.stopPodSandbox, pod) }
    }

    /// Removes a pod by `body` and tells of it. Its containers have been removed.
    public func removeSandbox(_ id: String, _ body: () async throws -> Void) async throws {
        let pod = pod(id)
        try await interface.undisturbed {
            state.withLock { $0.pods[id]?.isRemoving = true }
            do {
                try await body()
            } catch {
                state.withLock { $0.pods[id]?.isRemoving = false }
                throw error
            }
            await stopSandbox(id)
            state.withLock { $0.pods[id] = nil }
            await tell(.removePodSandbox, pod)
        }
    }

    /// Tells of the end of a pod that vanished.
    func forget(pod id: String) async {
        guard let known = state.withLock({ $0.pods[id] }), !known.isRemoving else { return }
        await stopSandbox(id)
        state.withLock { $0.pods[id] = nil }
        await tell(.removePodSandbox, known.pod)
    }

    /// `UpdatePodSandboxResources`.
    public func updateSandbox(
        _ record: SandboxRecord, overhead: LinuxContainerResources, resources: LinuxContainerResources
    ) async throws {
        let pod = pod(record.id)
        do {
            try await interface.updatePodSandbox(
                pod, overhead: NRILinuxResources(overhead), resources: NRILinuxResources(resources))
        } catch {
            throw refused(error, "update sandbox \(record.id)")
        }
        state.withLock { state in
            state.pods[record.id]?.pod.linux.podOverhead = NRILinuxResources(overhead)
            state.pods[record.id]?.pod.linux.podResources = NRILinuxResources(resources)
        }
        await tell(.postUpdatePodSandbox, self.pod(record.id))
    }
}
