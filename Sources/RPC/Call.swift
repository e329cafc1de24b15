internal import CGRPC
internal import Logging
internal import Synchronization

/// One call, from its arrival until the core has given back everything it was asked for.
///
/// The core's call object lives until the close notice and every other tag have come back. A handler that goes on
/// after its caller has left therefore holds nothing of the core's, and cannot keep the server from stopping.
final class Call: Sendable {
    /// The core's call. One batch of sends is under way at a time (``State/sending``), and one of receives
    /// (``State/receiving``); nothing touches it once ``State/released`` is set.
    nonisolated(unsafe) let raw: OpaquePointer
    /// Where the core writes results; a field is read only after the tag it belongs to has come back.
    nonisolated(unsafe) let results: UnsafeMutablePointer<Results>

    let context: CallContext
    let dispatcher: Dispatcher
    let arrival = ContinuousClock.now
    let state = Mutex(State())

    struct Results {
        var message: UnsafeMutablePointer<grpc_byte_buffer>?
        var cancelled: CInt = 0
    }

    struct State {
        /// Tags that the core holds.
        var tags = 0
        /// The close notice has come: nothing may be started any more.
        var gone = false
        /// The caller has cancelled or vanished, or the deadline has passed.
        var cancelled = false
        /// The server is ending this call because it stops.
        var stopped = false
        /// The core's call has been let go.
        var released = false
        /// The dispatcher has been told that all is over.
        var left = false
        var handler = Handler.none

        /// A batch of sends is on its way.
        var sending = false
        /// A send has failed: the close notice is about to come.
        var broken = false
        var headersSent = false
        var statusSent = false
        /// Those who want to send after the message on its way, first come first.
        var senders: [Sender] = []
        var nextSender: UInt64 = 0

        /// A message is being waited for.
        var receiving = false
        var reader: CheckedContinuation<[UInt8]?, any Error>?
    }

    struct Sender {
        let id: UInt64
        let continuation: CheckedContinuation<Void, any Error>
    }

    enum Handler {
        case none
        case running(Task<Void, Never>?)
        case ended
    }

    /// Takes over the core's reference to the call.
    init(raw: OpaquePointer, context: CallContext, dispatcher: Dispatcher) {
        self.raw = raw
        self.context = context
        self.dispatcher = dispatcher
        results = .allocate(capacity: 1)
        results.initialize(to: Results())
        dispatcher.outstanding.enter()
    }

    deinit {
        results.deallocate()
    }

    /// Asks the core to tell when the call is over, which also is how a cancellation is learnt of. The first batch.
    func watchForClose() {
        state.withLock { $0.tags += 1 }
        var operation = grpc_op()
        operation.op = GRPC_OP_RECV_CLOSE_ON_SERVER
        operation.data.recv_close_on_server.cancelled = results.pointer(to: \.cancelled)
        start([operation]) { [self] _ in closed(cancelled: results.pointee.cancelled != 0) }
    }

    private func closed(cancelled: Bool) {
        let (handler, senders, reader) = state.withLock { state in
            let before = (state.handler, state.senders, state.reader)
            state.gone = true
            state.cancelled = cancelled
            (state.senders, state.reader) = ([], nil)
            if case .none = state.handler { state.handler = .ended }
            return before
        }
        for sender in senders { sender.continuation.resume(throwing: CancellationError()) }
        reader?.resume(throwing: CancellationError())
        switch handler {
        case .none: dispatcher.observe(self, cancellationCode)
        case .running(let task): if cancelled { task?.cancel() }
        case .ended: break
        }
    }

    /// Starts a batch whose tag has been counted in ``State/tags``.
    func start(_ operations: [grpc_op], _ done: @escaping @Sendable (_ succeeded: Bool) -> Void) {
        let tag = Operation { [self] succeeded in
            done(succeeded)
            tagReturned()
        }.tag
        let error = operations.withUnsafeBufferPointer {
            grpc_call_start_batch(raw, $0.baseAddress, $0.count, tag, nil)
        }
        if error != GRPC_CALL_OK {
            let text = String(cString: grpc_call_error_to_string(error))
            dispatcher.logger.error("gRPC core refused a batch: \(text)", metadata: ["method": "\(context.method)"])
            Operation.complete(tag, false)
        }
    }

    /// One tag less; the last one after the close notice lets the core's call go.
    func tagReturned() {
        let release = state.withLock { state in
            state.tags -= 1
            guard state.gone && state.tags == 0 && !state.released else { return false }
            state.released = true
            return true
        }
        if release {
            grpc_call_unref(raw)
            dispatcher.outstanding.leave()
            leaveIfOver()
        }
    }

    /// Tells the dispatcher, once, when neither the core nor a handler has to do with the call any more.
    func leaveIfOver() {
        let over = state.withLock { state in
            guard case .ended = state.handler, state.released && !state.left else { return false }
            state.left = true
            return true
        }
        if over { dispatcher.left(self) }
    }

    /// What a cancellation means: DeadlineExceeded from the deadline on, Cancelled before.
    ///
    /// The core rounds deadlines to milliseconds, so its timer may strike a little before our clock.
    var cancellationCode: StatusCode {
        guard let left = context.timeLeft, left <= .milliseconds(10) else { return .cancelled }
        return .deadlineExceeded
    }
}
