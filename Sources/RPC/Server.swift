/// A gRPC server on a Unix socket over the gRPC C core.
public final class Server: Sendable {
    /// The health that grpc.health.v1 reports.
    public let health = Health()
    let configuration: Configuration
    let methods: [String: MethodHandler]

    /// A server for `methods`, keyed by full method path ("/runtime.v1.RuntimeService/Version").
    ///
    /// grpc.health.v1 and server reflection are added. Nothing happens before ``run(onListening:)``.
    public init(configuration: Configuration, methods: [String: MethodHandler]) {
        self.configuration = configuration
        self.methods = methods
    }

    /// Listens and serves until ``shutdown(grace:)``, or until the calling task is cancelled (no grace then).
    ///
    /// `onListening` is called once connections are accepted. Throws when the socket cannot be had. A server runs once.
    public func run(onListening: @Sendable () -> Void = {}) async throws {
    }

    /// Begins to stop: no new connections and calls, subscriptions end, calls in progress get the grace time and are
    /// then cancelled. Returns at once; ``run(onListening:)`` returns when all is done. May be called again; the
    /// shorter grace wins.
    public func shutdown(grace: Duration) {
    }
}

/// The serving status per service that grpc.health.v1 answers with.
public final class Health: Sendable {
    /// What grpc.health.v1 can say of a service.
    public enum Status: Sendable {
        /// It answers.
        case serving
        /// It does not now.
        case notServing
    }

    /// Sets the status of a service by full name; "" is the server as a whole.
    public func set(_ status: Status, for service: String = "") {
    }
}
