internal import CGRPC
internal import Synchronization

extension Call {
    /// What a batch of sends ends with.
    private enum Ending {
        case more
        case status(StatusCode, String)
    }

    /// Sends one message of a stream once the one before it has passed the caller's flow control.
    func write(_ message: Payload) async throws {
        try checkSize(message)
        try await turn()
        send(message, .more)
    }

    /// Ends a call that went well; a unary one with its message.
    func succeed(_ message: Payload?) async throws {
        if let message { try checkSize(message) }
        try await turn()
        send(message, .status(.ok, ""))
    }

    /// Ends a call with an error, ahead of a message that its caller does not read.
    func fail(_ error: RPCError) {
        enum Action { case nothing, send, cancel }
        let action: Action = state.withLock { state in
            guard !state.gone && !state.statusSent else { return .nothing }
            state.statusSent = true
            state.tags += 1
            if state.sending { return .cancel }
            state.sending = true
            return .send
        }
        switch action {
        case .nothing: break
        case .send: send(nil, .status(error.code, error.message))
        case .cancel:
            // On a server the core writes this status to the wire, past what is stuck in flow control.
            grpc_call_cancel_with_status(
                raw, error.code.raw, clipped(error.message), nil)
            tagReturned()
        }
    }

    private func checkSize(_ message: Payload) throws {
        let limit = dispatcher.configuration.maximumMessageBytes
        guard message.count > limit else { return }
        throw RPCError(.resourceExhausted, "response of \(message.count) bytes is larger than the limit of \(limit)")
    }

    /// Claims the right to send the next batch, and counts its tag.
    private func turn() async throws {
        let id = state.withLock { state in
            state.nextSender += 1
            return state.nextSender
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer: Result<Void, any Error>? = state.withLock { state in
                    guard state.mayStartSending && !Task.isCancelled else { return .failure(CancellationError()) }
                    if state.sending {
                        state.senders.append(Sender(id: id, continuation: continuation))
                        return nil
                    }
                    state.sending = true
                    state.tags += 1
                    return .success(())
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                state.senders.firstIndex { $0.id == id }.map { state.senders.remove(at: $0) }
            }
            waiting?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Starts a batch in the caller's turn.
    private func send(_ message: Payload?, _ ending: Ending) {
        let withHeaders = state.withLock { state in
            defer { state.headersSent = true }
            if case .status = ending { state.statusSent = true }
            return !state.headersSent
        }
        let buffer = message.flatMap(ByteBuffer.make)
        defer { if let buffer { grpc_byte_buffer_destroy(buffer) } }
        var details = ByteBuffer.slice("")
        defer { grpc_slice_unref(details) }

        var operations: [grpc_op] = []
        operations.reserveCapacity(3)
        if withHeaders { operations.append(grpc_op(GRPC_OP_SEND_INITIAL_METADATA)) }
        if let buffer {
            var operation = grpc_op(GRPC_OP_SEND_MESSAGE)
            operation.data.send_message.send_message = buffer
            operations.append(operation)
        }
        withUnsafeMutablePointer(to: &details) { details in
            if case .status(let code, let text) = ending {
                details.pointee = ByteBuffer.slice(clipped(text))
                var operation = grpc_op(GRPC_OP_SEND_STATUS_FROM_SERVER)
                operation.data.send_status_from_server.status = code.raw
                operation.data.send_status_from_server.status_details = details
                operations.append(operation)
            }
            start(operations) { [self] succeeded in sent(succeeded) }
        }
    }

    /// Gives the turn to the next in the line.
    private func sent(_ succeeded: Bool) {
        let (granted, refused) = state.withLock { state -> (Sender?, [Sender]) in
            if !succeeded { state.broken = true }
            state.sending = false
            guard state.mayStartSending else {
                defer { state.senders = [] }
                return (nil, state.senders)
            }
            guard !state.senders.isEmpty else { return (nil, []) }
            state.sending = true
            state.tags += 1
            return (state.senders.removeFirst(), [])
        }
        granted?.continuation.resume()
        for sender in refused { sender.continuation.resume(throwing: CancellationError()) }
    }

    /// A status text that fits a header of the usual clients, cut at a character.
    private func clipped(_ text: String) -> String {
        let limit = 4096
        guard text.utf8.count > limit else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: limit)
        while end.samePosition(in: text) == nil { end = text.utf8.index(before: end) }
        return "\(text[..<end])…"
    }
}

extension Call.State {
    fileprivate var mayStartSending: Bool { !gone && !statusSent && !broken }
}

extension StatusCode {
    fileprivate var raw: grpc_status_code { grpc_status_code(CInt(rawValue)) }
}

extension grpc_op {
    fileprivate init(_ kind: grpc_op_type) {
        self.init()
        op = kind
    }
}
