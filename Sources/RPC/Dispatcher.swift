internal import Logging
internal import Synchronization

/// Gives each call to its handler and knows which calls are in progress.
final class Dispatcher: Sendable {
    let configuration: Server.Configuration
    let logger: Logger
    let outstanding = Outstanding()
    /// Opens when connections were cut and the last call has left.
    let empty = Latch()
    private let methods: [String: MethodHandler]
    private let state = Mutex(State())

    private struct State {
        var calls = 0
        /// Whether calls that have no end of their own are refused.
        var draining = false
        /// What is to be done once there is no call for a moment.
        var quiet: (@Sendable () -> Void)?
        /// Whether connections are cut.
        var stopping = false
        /// Calls with no end of their own.
        var openEnded: [ObjectIdentifier: Call] = [:]
    }

    init(configuration: Server.Configuration, methods: [String: MethodHandler]) {
        self.configuration = configuration
        self.methods = methods
        logger = configuration.logger
    }

    /// Takes a call that has just come.
    func arrived(_ call: Call) {
        let method = methods[call.context.method]
        let isOpenEnded = method?.isOpenEnded ?? false
        let (calls, stopping) = state.withLock { state in
            state.calls += 1
            if isOpenEnded && !state.draining { state.openEnded[ObjectIdentifier(call)] = call }
            return (state.calls, state.stopping || (state.draining && isOpenEnded))
        }
        call.watchForClose()
        if stopping { return call.refuse(.stopping) }
        guard let method else {
            return call.refuse(
                RPCError(.unimplemented, "unknown method \(call.context.method)"), reportedAs: "unknown")
        }
        guard calls <= configuration.maximumCalls else {
            return call.refuse(RPCError(.resourceExhausted, "too many calls in progress"))
        }
        dispatch(call, to: method)
    }

    private func dispatch(_ call: Call, to method: MethodHandler) {
        let context = call.context
        let writer = ResponseWriter { try await call.write($0) }
        switch method {
        case .unary(let handler):
            call.handleRequest { try await handler($0, context) }
        case .serverStreaming(let handler):
            call.handleRequest {
                try await handler($0, context, writer)
                return nil
            }
        case .subscription(let handler):
            call.handleRequest {
                try await handler($0, context, writer)
                return nil
            }
        case .bidirectional(let handler):
            call.handle {
                try await handler(RequestReader { try await call.next() }, context, writer)
                return nil
            }
        }
    }

    /// Takes note that nothing more will happen for a call.
    func left(_ call: Call) {
        state.withLock { state in
            state.calls -= 1
            if !state.openEnded.isEmpty { state.openEnded[ObjectIdentifier(call)] = nil }
        }
        runIfQuiet()
        if state.withLock({ $0.stopping && $0.calls == 0 }) { empty.open() }
    }

    /// Ends the calls that have no end of their own, and refuses more of them; others are served on.
    func endSubscriptions() {
        let openEnded = state.withLock { state in
            state.draining = true
            return state.openEnded
        }
        for call in openEnded.values { call.stop() }
    }

    /// Runs `action` at the first moment without a call, at once where the last one leaves: the next may be on its way.
    func whenQuiet(_ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.quiet = action }
        runIfQuiet()
    }

    /// Takes back what ``whenQuiet(_:)`` was given; nil when it was run.
    func takeQuiet() -> (@Sendable () -> Void)? { state.withLock { $0.quiet.take() } }

    private func runIfQuiet() {
        let action = state.withLock { $0.calls == 0 ? $0.quiet.take() : nil }
        action?()
    }

    /// Refuses calls from now on, and opens ``empty`` as soon as there is none.
    func stop() {
        let calls = state.withLock { state in
            state.stopping = true
            return state.calls
        }
        if calls == 0 { empty.open() }
    }

    /// The number of calls in progress.
    var calls: Int { state.withLock { $0.calls } }

    /// Reports an ended call to the observer.
    func observe(_ call: Call, _ code: StatusCode, method: String? = nil) {
        configuration.observer?(method ?? call.context.method, code, call.arrival.duration(to: .now))
    }
}

extension RPCError {
    /// What a call gets that comes too late, or has no end of its own.
    static let stopping = RPCError(.unavailable, "the server is stopping")
}

extension MethodHandler {
    /// Whether its calls have no end of their own.
    fileprivate var isOpenEnded: Bool {
        switch self {
        case .unary, .serverStreaming: false
        case .subscription, .bidirectional: true
        }
    }
}
