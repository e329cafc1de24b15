import CGRPC
import Synchronization

@testable import RPC

/// A gRPC client over the C core: another implementation of the protocol's other side.
final class Client: Sendable {
    /// The core's channels may be used from any thread.
    private nonisolated(unsafe) let channel: OpaquePointer
    private let queue: CompletionQueue
    /// The calls that have not ended.
    fileprivate let calls = Mutex<[ObjectIdentifier: ClientCall]>([:])

    /// A client of a Unix socket with a connection of its own.
    init(_ path: String, arguments: [(name: String, value: Int)] = []) throws {
        grpc_init()
        queue = try CompletionQueue(threads: 1)
        let credentials = grpc_insecure_credentials_create()
        defer { grpc_channel_credentials_release(credentials) }
        let defaults = [
            (GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1), (GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, -1),
            (GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100), (GRPC_ARG_ENABLE_RETRIES, 0),
        ]
        channel = ChannelArguments(defaults + arguments).withRaw {
            grpc_channel_create("unix:\(path)", credentials, $0)
        }
    }

    /// Starts a call. Metadata goes with it.
    func call(
        _ method: String, timeout: Duration? = nil, metadata: [(String, String)] = []
    ) -> ClientCall {
        let name = ByteBuffer.slice(method)
        defer { grpc_slice_unref(name) }
        var deadline = gpr_inf_future(GPR_CLOCK_REALTIME)
        if let timeout {
            let (seconds, attoseconds) = timeout.components
            let span = gpr_timespec(
                tv_sec: seconds, tv_nsec: Int32(attoseconds / 1_000_000_000), clock_type: GPR_TIMESPAN)
            deadline = gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), span)
        }
        let raw = grpc_channel_create_call(channel, nil, 0xffff, queue.raw, name, nil, deadline, nil)!
        let call = ClientCall(raw)
        calls.withLock { $0[ObjectIdentifier(call)] = call }
        call.begin(metadata) { [self] in calls.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(call)) } }
        return call
    }

    /// One request, one response.
    func unary(_ method: String, _ request: [UInt8] = [], timeout: Duration? = nil) async throws -> [UInt8] {
        let call = call(method, timeout: timeout)
        await call.send(request, last: true)
        let response = await call.receive()
        let status = await call.status()
        guard status.code == .ok else { throw status }
        guard let response else { throw RPCError(.internal, "OK without a response") }
        return response
    }

    /// Cancels what is in progress, closes the connection and frees everything.
    func close() async {
        for call in calls.withLock({ $0.values.map { $0 } }) {
            call.cancel()
            _ = await call.status()
        }
        grpc_channel_destroy(channel)
        let closed = Latch()
        queue.shutdown {
            grpc_shutdown()
            closed.open()
        }
        await closed.wait()
    }
}

/// What a call ended with.
struct Status: Error, Equatable {
    var code: StatusCode
    var message: String
}

/// A call of a ``Client``. One task uses it.
final class ClientCall: Sendable {
    /// Used by one task at a time; freed with the call.
    private nonisolated(unsafe) let raw: OpaquePointer
    private nonisolated(unsafe) let results: UnsafeMutablePointer<Results>
    private let ended = Latch()

    private struct Results {
        var message: UnsafeMutablePointer<grpc_byte_buffer>?
        var headers = grpc_metadata_array()
        var trailers = grpc_metadata_array()
        var status = GRPC_STATUS_UNKNOWN
        var details = grpc_empty_slice()
    }

    fileprivate init(_ raw: OpaquePointer) {
        self.raw = raw
        results = .allocate(capacity: 1)
        results.initialize(to: Results())
    }

    fileprivate func begin(_ metadata: [(String, String)], _ atEnd: @escaping @Sendable () -> Void) {
        var entries = metadata.map { name, value in
            var entry = grpc_metadata()
            (entry.key, entry.value) = (ByteBuffer.slice(name), ByteBuffer.slice(value))
            return entry
        }
        defer {
            for entry in entries {
                grpc_slice_unref(entry.key)
                grpc_slice_unref(entry.value)
            }
        }
        entries.withUnsafeMutableBufferPointer { entries in
            var operations = [grpc_op(), grpc_op()]
            operations[0].op = GRPC_OP_SEND_INITIAL_METADATA
            operations[0].data.send_initial_metadata.count = entries.count
            operations[0].data.send_initial_metadata.metadata = entries.baseAddress
            operations[1].op = GRPC_OP_RECV_INITIAL_METADATA
            operations[1].data.recv_initial_metadata.recv_initial_metadata = results.pointer(to: \.headers)
            start(operations) { _ in }
        }
        var end = grpc_op()
        end.op = GRPC_OP_RECV_STATUS_ON_CLIENT
        end.data.recv_status_on_client.trailing_metadata = results.pointer(to: \.trailers)
        end.data.recv_status_on_client.status = results.pointer(to: \.status)
        end.data.recv_status_on_client.status_details = results.pointer(to: \.details)
        start([end]) { [ended] _ in
            atEnd()
            ended.open()
        }
    }

    deinit {
        grpc_call_unref(raw)
        grpc_metadata_array_destroy(&results.pointee.headers)
        grpc_metadata_array_destroy(&results.pointee.trailers)
        grpc_slice_unref(results.pointee.details)
        results.deallocate()
    }

    /// Sends a message, and the end of messages when it is the last; returns when flow control has taken it.
    @discardableResult
    func send(_ message: [UInt8], last: Bool = false) async -> Bool {
        let payload = ByteBuffer.make(Payload(message))!
        defer { grpc_byte_buffer_destroy(payload) }
        var operation = grpc_op()
        operation.op = GRPC_OP_SEND_MESSAGE
        operation.data.send_message.send_message = payload
        return await withCheckedContinuation { continuation in
            start(last ? [operation, Self.close] : [operation]) { continuation.resume(returning: $0) }
        }
    }

    /// Says that no message follows.
    func halfClose() async {
        await withCheckedContinuation { continuation in
            start([Self.close]) { _ in continuation.resume() }
        }
    }

    private static var close: grpc_op {
        var operation = grpc_op()
        operation.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT
        return operation
    }

    /// The next response; nil when there is none any more.
    func receive() async -> [UInt8]? {
        var operation = grpc_op()
        operation.op = GRPC_OP_RECV_MESSAGE
        operation.data.recv_message.recv_message = results.pointer(to: \.message)
        return await withCheckedContinuation { continuation in
            start([operation]) { [self] _ in
                let message = results.pointee.message.map(ByteBuffer.take)
                results.pointee.message = nil
                continuation.resume(returning: message)
            }
        }
    }

    /// Waits for the end.
    func status() async -> Status {
        await ended.wait()
        return Status(
            code: StatusCode(rawValue: Int(results.pointee.status.rawValue)) ?? .unknown,
            message: ByteBuffer.text(results.pointee.details))
    }

    /// Gives the call up.
    func cancel() {
        grpc_call_cancel(raw, nil)
    }

    private func start(_ operations: [grpc_op], _ done: @escaping @Sendable (Bool) -> Void) {
        // The call must live until its last tag is back.
        let tag = Operation { [self] succeeded in withExtendedLifetime(self) { done(succeeded) } }.tag
        let error = operations.withUnsafeBufferPointer {
            grpc_call_start_batch(raw, $0.baseAddress, $0.count, tag, nil)
        }
        if error != GRPC_CALL_OK { Operation.complete(tag, false) }
    }
}
