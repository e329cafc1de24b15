internal import CNI
internal import Executor
internal import Images
internal import Linux
internal import OCI
internal import Runtime

/// Runs the layers below for `what` ("start container x") and gives their errors a code of ours.
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
    case let error as SpecError: RuntimeError(.invalidArgument, "\(what): \(error)", cause: error)
    case let error as ImageError: runtimeError(error, what)
    default: RuntimeError(.unknown, "\(what): \(error)", cause: error)
    }
}

/// The kubelet reads the beginning of the message (the CRI's `ErrRegistryUnavailable` and its kin).
private func runtimeError(_ error: ImageError, _ what: String) -> any Error {
    let text = "\(what): \(error)"
    switch error.code {
    case .notFound: return RuntimeError(.notFound, "\(text): not found", cause: error)
    case .registryUnavailable: return RuntimeError(.unknown, "RegistryUnavailable: \(text)", cause: error)
    case .signatureInvalid: return RuntimeError(.unknown, "SignatureValidationFailed: \(text)", cause: error)
    case .invalid: return RuntimeError(.invalidArgument, text, cause: error)
    case .noSpace: return RuntimeError(.resourceExhausted, text, cause: error)
    case .cancelled: return CancellationError()
    case .unauthorized, .alreadyExists, .failed: return RuntimeError(.unknown, text, cause: error)
    }
}
