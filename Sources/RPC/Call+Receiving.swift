internal import CGRPC
internal import Synchronization

extension Call {
    /// What waiting for a message gives.
    enum Received {
        case message([UInt8])
        /// The caller has sent its last.
        case end
        /// The call is ending.
        case failure
        /// The message cannot be used.
        case unusable(RPCError)
    }

    /// Asks for the next message. `done` gets a failure when the call is over or a message is being waited for.
    func receive(_ done: @escaping @Sendable (Received) -> Void) {
        let may = state.withLock { state in
            guard !state.gone && !state.receiving else { return false }
            state.receiving = true
            state.tags += 1
            return true
        }
        guard may else { return done(.failure) }
        var operation = grpc_op()
        operation.op = GRPC_OP_RECV_MESSAGE
        operation.data.recv_message.recv_message = results.pointer(to: \.message)
        start([operation]) { [self] succeeded in
            let received = takeMessage(succeeded)
            state.withLock { $0.receiving = false }
            done(received)
        }
    }

    private func takeMessage(_ succeeded: Bool) -> Received {
        guard let buffer = results.pointee.message else {
            return !succeeded || grpc_call_failed_before_recv_message(raw) != 0 ? .failure : .end
        }
        results.pointee.message = nil
        let compressed = buffer.pointee.data.raw.compression != GRPC_COMPRESS_NONE
        let message = ByteBuffer.take(buffer)
        guard succeeded else { return .failure }
        guard compressed else { return .message(message) }
        do {
            return .message(
                try Inflation.inflate(message, limit: dispatcher.configuration.maximumMessageBytes))
        } catch {
            return .unusable(error as? RPCError ?? RPCError(.internal, "\(error)"))
        }
    }

    /// The next message of a bidirectional call; nil after the last.
    func next() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let may = state.withLock { state in
                    guard !state.gone && state.reader == nil && !Task.isCancelled else { return false }
                    state.reader = continuation
                    return true
                }
                guard may else { return continuation.resume(throwing: CancellationError()) }
                receive { [self] received in
                    switch received {
                    case .message(let bytes): takeReader()?.resume(returning: bytes)
                    case .end: takeReader()?.resume(returning: nil)
                    case .unusable(let error): takeReader()?.resume(throwing: error)
                    case .failure: takeReader()?.resume(throwing: CancellationError())
                    }
                }
            }
        } onCancel: {
            takeReader()?.resume(throwing: CancellationError())
        }
    }

    private func takeReader() -> CheckedContinuation<[UInt8]?, any Error>? {
        state.withLock { state in
            defer { state.reader = nil }
            return state.reader
        }
    }
}
