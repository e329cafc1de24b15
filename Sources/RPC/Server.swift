internal import Logging
internal import Synchronization

/// A gRPC server on a Unix socket over the gRPC C core.
public final class Server: Sendable {
    /// The health that grpc.health.v1 reports.
    public let health: Health
    let configuration: Configuration
    private let dispatcher: Dispatcher
    private let stopping = Latch()
    private let graceOver = Latch()
    private let state = Mutex(State())

    private struct State {
        var started = false
        var graceTimers: [Task<Void, Never>] = []
    }

    /// A server for `methods`, keyed by full method path ("/runtime.v1.RuntimeService/Version").
    ///
    /// grpc.health.v1 and server reflection are added. Nothing happens before ``run(onListening:)``.
    public init(configuration: Configuration, methods: [String: MethodHandler]) {
        self.configuration = configuration
        let services = Set(methods.keys.compactMap(Self.service)).union(Reflection.services)
        health = Health(services: services.union(["grpc.health.v1.Health"]))
        let reflection = Reflection(
            services: services.union(["grpc.health.v1.Health"]).sorted(), descriptors: configuration.descriptors,
            aliases: configuration.packageAliases)
        let all = methods.merging(health.methods) { own, _ in own }.merging(reflection.methods) { own, _ in own }
        dispatcher = Dispatcher(configuration: configuration, methods: all)
    }

    /// Listens and serves until ``shutdown(grace:)``, or until the calling task is cancelled (no grace then).
    ///
    /// `onListening` is called once connections are accepted. Throws ``ListenError`` or `SystemError` when the socket
    /// or a thread cannot be had, and ``RPCError`` when it is run a second time. A server runs once.
    public func run(onListening: @Sendable () -> Void = {}) async throws {
        let first = state.withLock { state in
            defer { state.started = true }
            return !state.started
        }
        guard first else { throw RPCError(.failedPrecondition, "a server runs once") }
        let listener = try UnixListener.open(configuration.endpoint)
        let core = try CoreServer(dispatcher: dispatcher)
        let acceptor: Acceptor
        do {
            acceptor = try startAccepting(listener, core)
        } catch {
            await Task { [self] in await stop(core, nil) }.value
            throw error
        }
        onListening()
        await stopping.wait()
        if Task.isCancelled { shutdown(grace: .zero) }
        // A task of its own, so that the cancellation of this one does not cut the stopping short.
        await Task { [self] in await stop(core, acceptor) }.value
    }

    /// "runtime.v1.RuntimeService" of "/runtime.v1.RuntimeService/Version".
    private static func service(_ method: String) -> String? {
        method.split(separator: "/").first.map(String.init)
    }

    private func startAccepting(_ listener: consuming UnixListener, _ core: CoreServer) throws -> Acceptor {
        let acceptor = try Acceptor(
            listener, maximum: configuration.maximumConnections, logger: configuration.logger
        ) { core.adopt($0) }
        try acceptor.start()
        return acceptor
    }

    /// Begins to stop: no new connections, and subscriptions end. Clients are told to call elsewhere, and connections
    /// are cut at the first moment without a call, so that none is refused, or after the grace time, when calls in
    /// progress are cancelled. Who connects to an inherited socket meanwhile waits for whoever serves it next. Returns
    /// at once; ``run(onListening:)`` returns when all is done. May be called again; the shorter grace wins.
    public func shutdown(grace: Duration) {
        stopping.open()
        guard grace > .zero else { return graceOver.open() }
        let timer = Task { [graceOver] in
            try? await Task.sleep(for: grace)
            if !Task.isCancelled { graceOver.open() }
        }
        state.withLock { $0.graceTimers.append(timer) }
    }

    /// Runs `action` at the first moment without a call, unless the grace time is over before.
    private func whenQuiet(_ action: @escaping @Sendable () -> Void) async {
        let done = Latch()
        dispatcher.whenQuiet {
            action()
            done.open()
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await done.wait() }
            group.addTask { [graceOver] in await graceOver.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    private func stop(_ core: CoreServer, _ acceptor: Acceptor?) async {
        health.stop()
        dispatcher.endSubscriptions()
        let connections = await acceptor?.stop() ?? Connections()
        // The last to have connected are about to call.
        await graceOver.wait(atMost: configuration.settlingTime)
        // What is written must not come between two parts of an answer.
        await whenQuiet { connections.announceEnd() }
        _ = dispatcher.takeQuiet()
        // Clients call elsewhere from now on; what they sent before they knew is answered.
        await graceOver.wait(atMost: configuration.settlingTime)
        await whenQuiet { [dispatcher] in
            dispatcher.stop()
            core.cut()
        }
        dispatcher.takeQuiet()?()
        await core.stopped.wait()
        await dispatcher.outstanding.none.wait()
        await dispatcher.empty.wait(atMost: configuration.cancellationGrace)
        if dispatcher.calls > 0 {
            configuration.logger.warning("\(dispatcher.calls) handlers go on after their calls were cancelled")
        }
        await core.close()
        for timer in state.withLock({ $0.graceTimers }) { timer.cancel() }
    }
}
