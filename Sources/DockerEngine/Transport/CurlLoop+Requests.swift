internal import Synchronization

/// The answer to a request that asks for a stream.
enum StreamResponse: Versioned, Sendable {
    /// A 2xx answer whose body follows.
    case body(BodyStream, apiVersion: String?)
    /// Any other answer, whole.
    case refused(Response)

    var apiVersion: String? {
        switch self {
        case .body(_, let version): version
        case .refused(let response): response.apiVersion
        }
    }

    var status: Int {
        if case .refused(let response) = self { response.status } else { 200 }
    }
}

extension CurlLoop {
    /// Sends a request and reads its whole answer.
    func perform(_ request: Request) async throws -> Response {
        let transfer = Transfer(request: request, streams: false)
        switch try await run(transfer) {
        case .whole(let response): return response
        case .head(let response): return response
        }
    }

    /// Sends a request and reads its answer's head.
    func open(_ request: Request) async throws -> StreamResponse {
        try await withDeadline(request.deadline, call: request.name) {
            let transfer = Transfer(request: request, streams: true)
            switch try await self.run(transfer) {
            case .whole(let response): return .refused(response)
            case .head(let response):
                return .body(BodyStream(transfer: transfer, loop: self), apiVersion: response.apiVersion)
            }
        }
    }

    private func run(_ transfer: Transfer) async throws -> Transfer.Outcome {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                transfer.begin(continuation)
                if submit(.start(transfer)) { return }
                transfer.finish(
                    throwing: DockerError(
                        .unavailable, message: "the client was closed", call: transfer.request.name))
            }
        } onCancel: {
            transfer.cancel()
            submit(.cancel(transfer))
        }
    }
}

/// Runs `body`; when `deadline` passes first, cancels it and throws ``DockerError/Kind/timeout``. Nil waits for ever.
func withDeadline<Value: Sendable>(
    _ deadline: Duration?, call: String, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    guard let deadline else { return try await body() }
    return try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: deadline)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else {
            throw DockerError(.timeout, message: "no answer within \(deadline)", call: call)
        }
        return value
    }
}
