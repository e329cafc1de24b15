internal import RPC
internal import Runtime

/// Runs a handler and gives its errors their gRPC status.
func answering<Answer>(_ body: () async throws -> Answer) async throws -> Answer {
    do {
        return try await body()
    } catch let error as RuntimeError {
        throw RPCError(status(for: error.code), error.message)
    }
}

/// The one table from our errors to gRPC codes.
func status(for code: RuntimeError.Code) -> StatusCode {
    switch code {
    case .invalidArgument: .invalidArgument
    case .notFound: .notFound
    case .alreadyExists: .alreadyExists
    case .failedPrecondition: .failedPrecondition
    case .unavailable: .unavailable
    case .deadlineExceeded: .deadlineExceeded
    case .resourceExhausted: .resourceExhausted
    case .unimplemented: .unimplemented
    case .cancelled: .cancelled
    case .internalError: .internal
    default: .unknown
    }
}
