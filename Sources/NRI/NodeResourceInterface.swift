public import Logging
internal import SwiftProtobuf
internal import Synchronization

/// The plugins of the Node Resource Interface: they hear of what pods and containers go through, and may adjust
/// containers before they are created.
///
/// Plugins are called one after another by their index, one event at a time. A plugin that dies, stalls or breaks the
/// protocol is dropped and the event goes on without it; one that answers an error fails the event.
public final class NodeResourceInterface: Sendable {
    let settings: NRISettings
    let runtime: any NRIRuntime
    let logger: Logger
    /// In the order they are called in.
    let plugins = Mutex<[Plugin]>([])
    /// Shared by what changes the set of pods and containers; alone by a plugin that joins and must miss nothing.
    private let joining = Gate()
    /// One event at a time, as plugins expect it.
    private let turn = Gate()
    /// Connections that have not registered.
    let newcomers = Mutex(0)

    /// Without plugins until ``run()``.
    public init(settings: NRISettings, runtime: any NRIRuntime, logger: Logger) {
        self.settings = settings
        self.runtime = runtime
        self.logger = logger
    }

    /// How many plugins there are.
    public var pluginCount: Int { plugins.withLock { $0.count } }

    /// Whether any plugin wants the event.
    public func isWanted(_ event: NRIEvent) -> Bool { plugins.withLock { $0.contains { $0.wants(event) } } }

    /// Runs `body` while no plugin joins: what it tells plugins and what it makes exist stay together.
    ///
    /// May not be nested.
    public func undisturbed<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        try await joining.shared(body)
    }

    // MARK: Joining

    /// Shows a plugin what exists and takes it in, with nothing changing meanwhile.
    func join(_ plugin: Plugin) async throws {
        let updates = try await joining.alone {
            let inventory = await runtime.inventory()
            let updates = try await plugin.synchronize(inventory.pods, inventory.containers)
            plugins.withLock { plugins in
                let place = plugins.firstIndex { $0.index > plugin.index } ?? plugins.count
                plugins.insert(plugin, at: place)
            }
            return updates
        }
        logger.info("NRI plugin has joined", metadata: ["plugin": "\(plugin.fullName)"])
        _ = await updateContainers(updates, from: plugin)
    }

    /// Forgets a plugin that has ended.
    func leave(_ plugin: Plugin) {
        plugins.withLock { $0.removeAll { $0 === plugin } }
        let reason = plugin.connection.end ?? ""
        logger.notice("NRI plugin has left", metadata: ["plugin": "\(plugin.fullName)", "reason": "\(reason)"])
    }

    /// What a plugin wants by itself; answers what could not be done.
    func updateContainers(_ updates: [NRIContainerUpdate], from plugin: Plugin) async -> [NRIContainerUpdate] {
        if updates.isEmpty { return [] }
        var merge = UpdateMerge()
        var refused: [NRIContainerUpdate] = []
        for update in updates {
            // A plugin that contradicts itself.
            do { try merge.take(update, from: plugin.fullName) } catch { refused.append(update) }
        }
        let updates = merge.updates
        return refused + (await turn.alone { await runtime.update(updates) })
    }

    // MARK: Events

    /// Tells of a pod or container; a plugin's error is thrown as ``NRIError``.
    public func tell(_ event: NRIEvent, _ pod: NRIPodSandbox, _ container: NRIContainer? = nil) async throws {
        try await turn.alone {
            for plugin in interested(in: event) {
                var change = NRIStateChangeEvent()
                change.event = event
                change.pod = pod
                guard let container else {
                    // The requests of pods' events have the pod as their first field, all of them.
                    var request = NRIRunPodSandboxRequest()
                    request.pod = pod
                    try await plugin.tell(event, request, change)
                    continue
                }
                change.container = container
                var request = NRIStartContainerRequest()
                (request.pod, request.container) = (pod, container)
                try await plugin.tell(event, request, change)
            }
        }
    }

    /// Tells that a container has stopped, and does what plugins then want of others.
    public func stopContainer(_ pod: NRIPodSandbox, _ container: NRIContainer) async throws {
        try await turn.alone {
            var request = NRIStopContainerRequest()
            (request.pod, request.container) = (pod, container)
            var merge = UpdateMerge()
            for plugin in interested(in: .stopContainer) {
                let reply = try await plugin.ask("StopContainer", request, as: NRIStopContainerResponse.self)
                for update in reply?.update ?? [] { try take(update, from: plugin, into: &merge) }
            }
            try await apply(merge.updates)
        }
    }

    /// Tells of the resources that a pod is to have.
    public func updatePodSandbox(
        _ pod: NRIPodSandbox, overhead: NRILinuxResources, resources: NRILinuxResources
    ) async throws {
        try await turn.alone {
            var request = NRIUpdatePodSandboxRequest()
            request.pod = pod
            request.overheadLinuxResources = overhead
            request.linuxResources = resources
            for plugin in interested(in: .updatePodSandbox) {
                _ = try await plugin.ask("UpdatePodSandbox", request, as: NRIEmpty.self)
            }
        }
    }

    /// Asks for the limits that a container is to have, given those that its caller wants.
    public func updateContainer(
        _ pod: NRIPodSandbox, _ container: NRIContainer, _ resources: NRILinuxResources
    ) async throws -> NRILinuxResources {
        try await turn.alone {
            var merge = UpdateMerge(resources, of: container.id)
            var evictions: [NRIContainerEviction] = []
            for plugin in interested(in: .updateContainer) {
                var request = NRIUpdateContainerRequest()
                (request.pod, request.container) = (pod, container)
                request.linuxResources = merge.resources(of: container.id) ?? resources
                let reply = try await plugin.ask("UpdateContainer", request, as: NRIUpdateContainerResponse.self)
                for update in reply?.update ?? [] { try take(update, from: plugin, into: &merge) }
                evictions += reply?.evict ?? []
            }
            try await apply(merge.updates.filter { $0.containerID != container.id }, evictions)
            return merge.resources(of: container.id) ?? resources
        }
    }

    // MARK: Creation

    /// Asks what a container that is being created is to have in addition, and updates and evicts others as plugins
    /// then want.
    ///
    /// Throws ``NRIError`` when a plugin refuses or plugins contradict each other.
    public func createContainer(
        _ pod: NRIPodSandbox, _ container: NRIContainer
    ) async throws -> NRIContainerAdjustment {
        try await turn.alone {
            var merge = CreationMerge(container)
            var evictions: [NRIContainerEviction] = []
            let asked = interested(in: .createContainer)
            for plugin in asked {
                var request = NRICreateContainerRequest()
                (request.pod, request.container) = (pod, merge.container)
                let reply = try await plugin.ask("CreateContainer", request, as: NRICreateContainerResponse.self)
                guard let reply else { continue }
                do {
                    try merge.take(reply, from: plugin.fullName)
                } catch {
                    throw NRIError(description: "NRI: \(error)")
                }
                evictions += reply.evict
            }
            try await validate(pod, container, merge, asked)
            try await apply(merge.updates.updates, evictions)
            return merge.adjustment
        }
    }

    private func validate(
        _ pod: NRIPodSandbox, _ container: NRIContainer, _ merge: CreationMerge, _ asked: [Plugin]
    ) async throws {
        var request = NRIValidateContainerAdjustmentRequest()
        (request.pod, request.container, request.adjust) = (pod, container, merge.adjustment)
        request.update = merge.updates.updates
        request.owners = merge.owners.message
        request.plugins = asked.map { plugin in
            var instance = NRIPluginInstance()
            (instance.name, instance.index) = (plugin.name, plugin.index)
            return instance
        }
        for plugin in interested(in: .validateContainerAdjustment) {
            let reply = try await plugin.ask(
                "ValidateContainerAdjustment", request, as: NRIValidateContainerAdjustmentResponse.self)
            // Who guards must not be got rid of by stalling.
            guard let reply else { throw NRIError(description: "plugin \(plugin.fullName): lost while it validated") }
            if reply.reject {
                throw NRIError(description: "plugin \(plugin.fullName): adjustment rejected: \(reply.reason)")
            }
        }
    }

    private func interested(in event: NRIEvent) -> [Plugin] {
        plugins.withLock { $0.filter { $0.wants(event) && $0.connection.end == nil } }
    }

    private func take(_ update: NRIContainerUpdate, from plugin: Plugin, into merge: inout UpdateMerge) throws {
        do {
            try merge.take(update, from: plugin.fullName)
        } catch {
            throw NRIError(description: "NRI: \(error)")
        }
    }

    private func apply(_ updates: [NRIContainerUpdate], _ evictions: [NRIContainerEviction] = []) async throws {
        if !evictions.isEmpty { await runtime.evict(evictions) }
        if updates.isEmpty { return }
        let failed = await runtime.update(updates).filter { !$0.ignoreFailure }.map(\.containerID)
        if !failed.isEmpty {
            throw NRIError(description: "NRI: update containers \(failed.joined(separator: ", ")): failed")
        }
    }
}
