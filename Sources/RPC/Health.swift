internal import SwiftProtobuf
internal import Synchronization

/// The serving status per service that grpc.health.v1 answers with.
public final class Health: Sendable {
    /// What can be said of a service.
    public enum Status: Sendable {
        /// It answers.
        case serving
        /// It does not now.
        case notServing
    }

    private struct State {
        var statuses: [String: Status]
        var stopping = false
        var watchers: [UInt64: (service: String, changes: AsyncStream<Status?>.Continuation)] = [:]
        var nextWatcher: UInt64 = 0
    }

    private let state: Mutex<State>

    /// `services` by full name, which serve from the start, as does "".
    init(services: some Sequence<String>) {
        var statuses: [String: Status] = ["": .serving]
        for service in services { statuses[service] = .serving }
        state = Mutex(State(statuses: statuses))
    }

    /// Sets the status of a service by full name; "" is the server as a whole. While the server stops, all stay
    /// ``Status/notServing``.
    public func set(_ status: Status, for service: String = "") {
        state.withLock { state in
            guard !state.stopping else { return }
            state.statuses[service] = status
            for watcher in state.watchers.values where watcher.service == service { watcher.changes.yield(status) }
        }
    }

    /// Nothing serves any more.
    func stop() {
        state.withLock { state in
            state.stopping = true
            for service in state.statuses.keys { state.statuses[service] = .notServing }
            for watcher in state.watchers.values { watcher.changes.yield(state.statuses[watcher.service]) }
        }
    }

    /// The status of a service; nil for one that is not known.
    func status(of service: String) -> Status? {
        state.withLock { $0.statuses[service] }
    }

    /// The status now and after each change; a slow reader sees the newest only.
    private func changes(of service: String) -> AsyncStream<Status?> {
        let (stream, changes) = AsyncStream.makeStream(of: Status?.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = (service, changes)
            changes.yield(state.statuses[service])
            return state.nextWatcher
        }
        changes.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.watchers.removeValue(forKey: id) }
        }
        return stream
    }
}

extension Health {
    /// The methods of grpc.health.v1.Health.
    var methods: [String: MethodHandler] {
        [
            "/grpc.health.v1.Health/Check": .unary { [self] request, _ in
                let service = try Self.service(request)
                guard let status = status(of: service) else {
                    throw RPCError(.notFound, "unknown service \(service)")
                }
                return try Self.response(status)
            },
            "/grpc.health.v1.Health/Watch": .subscription { [self] request, _, responses in
                var last: Status??
                for await status in changes(of: try Self.service(request)) where last != .some(status) {
                    try await responses.write(try Self.response(status))
                    last = status
                }
            },
        ]
    }

    private static func service(_ request: [UInt8]) throws -> String {
        do {
            return try Grpc_Health_V1_HealthCheckRequest(serializedBytes: request).service
        } catch {
            throw RPCError(.invalidArgument, "request: \(error)")
        }
    }

    private static func response(_ status: Status?) throws -> Payload {
        let response = Grpc_Health_V1_HealthCheckResponse.with {
            $0.status =
                switch status {
                case .serving: .serving
                case .notServing: .notServing
                case nil: .serviceUnknown
                }
        }
        return Payload(try response.serializedBytes() as Block)
    }
}
