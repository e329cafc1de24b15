internal import Synchronization

extension Call {
    /// Ends the call with an error before any handler has seen it.
    func refuse(_ error: RPCError, reportedAs method: String? = nil) {
        let first = state.withLock { state in
            guard case .none = state.handler else { return false }
            state.handler = .ended
            return true
        }
        guard first else { return }
        fail(error)
        dispatcher.observe(self, error.code, method: method)
        leaveIfOver()
    }

    /// Receives the one request of a call, then runs `body` on it.
    func handleRequest(_ body: @escaping @Sendable (_ request: [UInt8]) async throws -> Payload?) {
        receive { [self] received in
            switch received {
            case .message(let request): handle { try await body(request) }
            case .end: refuse(RPCError(.unimplemented, "the call ended without the one request that it must have"))
            case .unusable(let error): refuse(error)
            case .failure: break  // The close notice follows.
            }
        }
    }

    /// Runs `body` in a task and ends the call with what comes of it; nil is the end of a stream.
    func handle(_ body: @escaping @Sendable () async throws -> Payload?) {
        let may = state.withLock { state in
            guard case .none = state.handler else { return false }
            state.handler = .running(nil)
            return true
        }
        guard may else { return }
        // Begun here, on the queue's thread: most answers come from memory, and what they send from this thread needs
        // no wake-up of the thread that waits on the sockets.
        let task = Task.immediate {
            let code: StatusCode
            do {
                try await succeed(try await body())
                code = .ok
            } catch {
                let status = status(of: error)
                fail(status)
                code = status.code
            }
            state.withLock { $0.handler = .ended }
            dispatcher.observe(self, code)
            leaveIfOver()
        }
        let cancel = state.withLock { state in
            if case .running = state.handler { state.handler = .running(task) }
            return state.cancelled || state.stopped
        }
        if cancel { task.cancel() }
    }

    /// Ends a call that would go on for ever, because the server stops.
    func stop() {
        let handler = state.withLock { state in
            state.stopped = true
            return state.handler
        }
        if case .running(let task?) = handler { task.cancel() }
    }

    private func status(of error: any Error) -> RPCError {
        if let error = error as? RPCError { return error }
        guard error is CancellationError else { return RPCError(.unknown, "\(error)") }
        if state.withLock({ $0.stopped && !$0.cancelled }) { return .stopping }
        let code = cancellationCode
        return RPCError(code, code == .cancelled ? "the call was cancelled" : "the deadline passed")
    }
}
