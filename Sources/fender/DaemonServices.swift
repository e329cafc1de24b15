internal import BackEnd
internal import CRI
internal import Linux
internal import Logging
internal import RPC
internal import Runtime
internal import ServiceLifecycle
internal import Streaming
internal import Telemetry

/// Keeps the World until everything above it has stopped.
struct RuntimeService: Service, CustomStringConvertible {
    let description = "runtime"
    let runtime: any ContainerRuntime

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.runtime.run() }
    }
}

/// Serves the CRI; calls in progress get a grace time at the end.
struct RPCService: Service, CustomStringConvertible {
    let description = "cri"
    let server: Server
    let systemd: Systemd
    /// Serves the URLs that calls answer.
    let streaming: StreamingServer
    /// What calls are answered from.
    let world: World
    /// How long callers wait in a socket that was there before us, for what there is to be read.
    private let patience: Duration

    init(
        endpoint: Server.Endpoint, world: World, methods: [String: MethodHandler], streaming: StreamingServer,
        systemd: Systemd,
        observer: @escaping @Sendable (String, StatusCode, Duration) -> Void
    ) throws {
        var configuration = Server.Configuration(endpoint: endpoint, logger: Logger(label: "cri"))
        configuration.descriptors = [Descriptors.base64]
        configuration.packageAliases = ["runtime.v1alpha2": "runtime.v1"]
        configuration.observer = { method, code, duration in
            observer(method, code, duration)
            let level: Logger.Level = code == .ok ? .debug : .info
            Logger(label: "cri").log(
                level: level, "call", metadata: ["method": "\(method)", "code": "\(code)", "took": "\(duration)"])
        }
        server = Server(configuration: configuration, methods: methods)
        self.world = world
        // When Docker does not answer, Status must be able to say so.
        if case .inherited = endpoint { patience = .seconds(5) } else { patience = .zero }
        self.streaming = streaming
        self.systemd = systemd
    }

    func run() async throws {
        try await withGracefulShutdownHandler {
            await streaming.whenListening()
            if patience > .zero { await world.whenKnown(atMost: patience) }
            try await server.run {
                try? self.systemd.notify(.ready)
            }
        } onGracefulShutdown: {
            server.shutdown(grace: .seconds(10))
        }
    }
}

/// Serves exec, attach and port-forward connections.
struct StreamingService: Service, CustomStringConvertible {
    let description = "streaming"
    let server: StreamingServer

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await self.server.run() }
        } catch is CancellationError where Task.isShuttingDownGracefully {
            // That was us.
        }
    }
}

/// Serves NRI plugins.
struct PluginService: Service, CustomStringConvertible {
    let description = "nri"
    let hooks: PluginHooks

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await self.hooks.run() }
        } catch is CancellationError where Task.isShuttingDownGracefully {
            // That was us.
        }
    }
}

/// Shows Prometheus our own numbers.
struct ScrapeService: Service, CustomStringConvertible {
    let description = "metrics"
    let server: ScrapeServer

    init(_ telemetry: DaemonTelemetry, at address: ScrapeServer.Address) {
        server = ScrapeServer(address: address, registry: telemetry.registry, logger: Logger(label: "metrics"))
    }

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await self.server.run() }
    }
}
