/// What answers the calls of one method.
///
/// A handler runs in a task of its own. It begins on the thread that has received the request and goes on in the
/// cooperative pool after its first suspension, so that an answer from memory costs no switch of threads; what computes
/// for long should suspend first (`@concurrent`). The task is cancelled as soon as the caller cancels, vanishes, or the
/// deadline passes. A thrown ``RPCError`` becomes the call's status, `CancellationError`
/// becomes Cancelled (DeadlineExceeded when the deadline has passed), any other error Unknown with its description.
public enum MethodHandler: Sendable {
    /// One request, one response.
    case unary(@Sendable (_ request: [UInt8], _ context: CallContext) async throws -> Payload)

    /// One request, any number of responses; returning ends the stream with OK.
    case serverStreaming(
        @Sendable (_ request: [UInt8], _ context: CallContext, _ responses: ResponseWriter) async throws -> Void)

    /// A ``serverStreaming(_:)`` that has no end of its own (events, watches): shutting down ends it at once with
    /// Unavailable instead of waiting for it.
    case subscription(
        @Sendable (_ request: [UInt8], _ context: CallContext, _ responses: ResponseWriter) async throws -> Void)

    /// Any number of requests and responses, in any order; shutting down ends it at once.
    case bidirectional(
        @Sendable (_ requests: RequestReader, _ context: CallContext, _ responses: ResponseWriter) async throws -> Void)
}

/// Sends the responses of a streaming call.
public struct ResponseWriter: Sendable {
    private let send: @Sendable (Payload) async throws -> Void

    /// A writer over a function, for tests of handlers.
    public init(_ send: @escaping @Sendable (Payload) async throws -> Void) {
        self.send = send
    }

    /// Hands over one response, after waiting until the one before it has passed the caller's flow control.
    ///
    /// Throws `CancellationError` when the call is gone or the task is cancelled, and ``RPCError`` with
    /// ResourceExhausted for a response above the size limit.
    public func write(_ response: Payload) async throws {
        try await send(response)
    }
}

/// Receives the requests of a bidirectional call; one task reads at a time.
public struct RequestReader: Sendable {
    private let receive: @Sendable () async throws -> [UInt8]?

    /// A reader over a function, for tests of handlers.
    public init(_ receive: @escaping @Sendable () async throws -> [UInt8]?) {
        self.receive = receive
    }

    /// The next request; nil when the caller has sent its last. Throws `CancellationError` when the call is gone.
    public func next() async throws -> [UInt8]? {
        try await receive()
    }
}
