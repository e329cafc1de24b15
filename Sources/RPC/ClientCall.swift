internal import CGRPC
internal import Synchronization

/// What a call ended with.
struct Status: Equatable {
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

    init(_ raw: OpaquePointer) {
        self.raw = raw
        results = .allocate(capacity: 1)
        results.initialize(to: Results())
    }

    func begin(_ metadata: [(String, String)], _ atEnd: @escaping @Sendable () -> Void) {
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
