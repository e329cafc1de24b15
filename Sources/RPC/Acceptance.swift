internal import CGRPC

/// A standing request to the core for one call, renewed each time it is met.
final class Acceptance: Sendable {
    private let dispatcher: Dispatcher
    /// The core's server and queue, which may be used from any thread.
    private nonisolated(unsafe) let server: OpaquePointer
    private let queue: CompletionQueue
    /// Where the core writes the call; ours between the tag's return and the next request.
    private nonisolated(unsafe) let arrival: UnsafeMutablePointer<Arrival>

    private struct Arrival {
        var call: OpaquePointer?
        var details = grpc_call_details()
        var metadata = grpc_metadata_array()
    }

    init(server: OpaquePointer, queue: CompletionQueue, dispatcher: Dispatcher) {
        self.server = server
        self.queue = queue
        self.dispatcher = dispatcher
        arrival = .allocate(capacity: 1)
        arrival.initialize(to: Arrival())
    }

    deinit {
        arrival.deallocate()
    }

    /// Asks for the next call.
    func request() {
        dispatcher.outstanding.enter()
        grpc_call_details_init(&arrival.pointee.details)
        grpc_metadata_array_init(&arrival.pointee.metadata)
        let tag = Operation { [self] succeeded in
            let call = succeeded ? take() : nil
            grpc_call_details_destroy(&arrival.pointee.details)
            grpc_metadata_array_destroy(&arrival.pointee.metadata)
            // The next caller shall not wait until this one has been seen to.
            if call != nil { request() }
            dispatcher.outstanding.leave()
            if let call { dispatcher.arrived(call) }
        }.tag
        let error = grpc_server_request_call(
            server, arrival.pointer(to: \.call), arrival.pointer(to: \.details), arrival.pointer(to: \.metadata),
            queue.raw, queue.raw, tag)
        if error != GRPC_CALL_OK { Operation.complete(tag, false) }
    }

    private func take() -> Call? {
        guard let raw = arrival.pointee.call else { return nil }
        arrival.pointee.call = nil
        let details = arrival.pointee.details
        let context = CallContext(
            method: ByteBuffer.text(details.method), deadline: deadline(details.deadline), metadata: metadata())
        return Call(raw: raw, context: context, dispatcher: dispatcher)
    }

    private func metadata() -> [(name: String, value: [UInt8])] {
        UnsafeBufferPointer(start: arrival.pointee.metadata.metadata, count: arrival.pointee.metadata.count)
            .map { (ByteBuffer.text($0.key), ByteBuffer.bytes($0.value)) }
    }

    private func deadline(_ deadline: gpr_timespec) -> ContinuousClock.Instant? {
        let clock = deadline.clock_type
        guard gpr_time_cmp(deadline, gpr_inf_future(clock)) != 0 else { return nil }
        let left = gpr_time_sub(deadline, gpr_now(clock))
        return .now + .seconds(left.tv_sec) + .nanoseconds(Int64(left.tv_nsec))
    }
}
