internal import CNI
internal import DockerEngine
internal import Runtime

/// Runs calls to Docker and the network for `what` ("start container x") and gives their errors a code of ours.
func doing<Value>(_ what: @autoclosure () -> String, _ body: () async throws -> Value) async throws -> Value {
    do {
        return try await body()
    } catch {
        throw runtimeError(error, what())
    }
}

/// The one table from the errors of the layers below to ours.
func runtimeError(_ error: any Error, _ what: String) -> any Error {
    switch error {
    case let error as RuntimeError: error
    case is CancellationError: error
    case let error as DockerError: RuntimeError(code(of: error.kind), "\(what): \(error.message)", cause: error)
    default: RuntimeError(.unknown, "\(what): \(error)", cause: error)
    }
}

private func code(of kind: DockerError.Kind) -> RuntimeError.Code {
    switch kind {
    case .badRequest: .invalidArgument
    case .notFound: .notFound
    case .conflict: .failedPrecondition
    case .unavailable: .unavailable
    case .timeout: .deadlineExceeded
    case .unsupported: .unimplemented
    default: .unknown
    }
}

/// Whether Docker said that there is no such thing.
func isNotFound(_ error: any Error) -> Bool { (error as? DockerError)?.kind == .notFound }

/// Whether Docker said that something is in the way.
func isConflict(_ error: any Error) -> Bool { (error as? DockerError)?.kind == .conflict }
