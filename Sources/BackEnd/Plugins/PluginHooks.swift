internal import CRI
public import Logging
public import NRI
internal import Runtime
internal import Synchronization

/// Where a back end meets the plugins of the Node Resource Interface; a back end without NRI has none.
///
/// What plugins were told of is remembered, so that each container's and pod's end is told once, whoever brought it
/// about.
public final class PluginHooks: Sendable {
    /// A container that there is.
    struct KnownContainer: Sendable {
        var sandboxID: String
        /// As it was when plugins first heard of it; nil until then.
        var description: NRIContainer?
        /// It was started, and plugins were not told of its end.
        var isLive = false
        /// It is being started.
        var isStarting = false
        /// It has ended before its start was done.
        var hasEndedEarly = false
        /// Tells of its end.
        var telling: Task<Void, Never>?
        /// Who removes it tells of that.
        var isRemoving = false

        var container: NRIContainer {
            if let description { return description }
            var container = NRIContainer()
            container.podSandboxID = sandboxID
            return container
        }
    }

    /// A pod that there is.
    struct KnownPod: Sendable {
        var pod: NRIPodSandbox
        /// Plugins were not told of its end.
        var isLive = true
        /// Who removes it tells of that.
        var isRemoving = false
    }

    struct State: Sendable {
        var containers: [String: KnownContainer] = [:]
        var pods: [String: KnownPod] = [:]
        var target: (any PluginTarget)?
    }

    let state = Mutex(State())
    let logger: Logger
    private let known: AsyncStream<Void>
    private let sayKnown: AsyncStream<Void>.Continuation
    private let settings: NRISettings
    private let holder = Mutex<NodeResourceInterface?>(nil)

    /// Hooks of the back end that attaches itself.
    public init(settings: NRISettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
        (known, sayKnown) = AsyncStream.makeStream(of: Void.self)
    }

    /// The plugins.
    public var interface: NodeResourceInterface {
        holder.withLock { held in
            if let held { return held }
            let made = NodeResourceInterface(settings: settings, runtime: self, logger: logger)
            held = made
            return made
        }
    }

    var target: (any PluginTarget)? { state.withLock { $0.target } }

    /// Says whose hooks these are.
    public func attach(_ target: any PluginTarget) { state.withLock { $0.target = target } }

    /// Says that a back end's World is known; when all there is is known, plugins may join.
    public func worldIsKnown() { if target?.world.isKnown ?? false { sayKnown.finish() } }

    /// Serves plugins until cancelled. Throws when their socket cannot be had.
    public func run() async throws {
        for await _ in known {}
        try Task.checkCancellation()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.interface.run() }
            group.addTask { await self.watch() }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Follows what ends by itself or by others.
    private func watch() async {
        while !Task.isCancelled, let world = target?.world {
            // A subscriber that falls behind is dropped; then everything is compared.
            let events = world.events(limit: 1 << 16)
            await compare(with: world)
            for await event in events {
                switch event.containerEventType {
                case .containerStoppedEvent: await stopped(event.containerID)
                case .containerDeletedEvent: await vanished(event.containerID)
                default: break
                }
            }
        }
    }

    private func compare(with world: World) async {
        for (id, known) in state.withLock({ $0.containers }) {
            guard let record = world.container(id) else {
                await vanished(id)
                continue
            }
            if known.isLive && record.status.state == .containerExited { await stopped(id) }
        }
        for id in state.withLock({ Array($0.pods.keys) }) where world.sandbox(id) == nil { await vanished(id) }
    }

    private func vanished(_ id: String) async {
        await interface.undisturbed {
            await forget(container: id)
            await forget(pod: id)
        }
    }

    /// Tells plugins; what they say against it is logged.
    func tell(_ event: NRIEvent, _ pod: NRIPodSandbox, _ container: NRIContainer? = nil) async {
        do {
            try await interface.tell(event, pod, container)
        } catch {
            complain(event, container?.id ?? pod.id, error)
        }
    }

    func complain(_ event: NRIEvent, _ id: String, _ error: any Error) {
        logger.warning("NRI \(event)", metadata: ["id": "\(id)", "error": "\(error)"])
    }

    func pod(_ id: String) -> NRIPodSandbox {
        if let known = state.withLock({ $0.pods[id]?.pod }) { return known }
        if let record = target?.world.sandbox(id) { return NRIPodSandbox(record) }
        var pod = NRIPodSandbox()
        pod.id = id
        return pod
    }

    /// A container as it is now.
    func container(_ record: ContainerRecord) async -> NRIContainer {
        var container = NRIContainer(record)
        if let known = state.withLock({ $0.containers[record.id]?.description }) {
            container = known
        } else {
            do {
                if let target { container = try await target.describe(record) }
            } catch {
                logger.debug("describe container", metadata: ["id": "\(record.id)", "error": "\(error)"])
            }
            container.take(record)
            let described = container
            state.withLock { state in
                var known = state.containers[record.id] ?? KnownContainer(sandboxID: record.sandboxID)
                known.description = described
                state.containers[record.id] = known
            }
        }
        container.take(record)
        return container
    }

    /// What a plugin said no to.
    func refused(_ error: any Error, _ what: String) -> any Error {
        error is NRIError ? RuntimeError(.failedPrecondition, "\(what): \(error)", cause: error) : error
    }
}
