internal import CGRPC
internal import Synchronization

/// A gRPC client of a Unix socket, over the C core: for the program's own commands and for the tests.
public final class Client: Sendable {
    /// The core's channels may be used from any thread.
    private nonisolated(unsafe) let channel: OpaquePointer
    private let queue: CompletionQueue
    /// The calls that have not ended.
    private let calls = Mutex<[ObjectIdentifier: ClientCall]>([:])

    /// A client of a Unix socket with a connection of its own, which the first call makes.
    public convenience init(_ path: String) throws { try self.init(path, arguments: []) }

    init(_ path: String, arguments: [(name: String, value: Int)]) throws {
        grpc_init()
        do {
            queue = try CompletionQueue(threads: 1)
        } catch {
            grpc_shutdown()
            throw error
        }
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

    /// One request, one response. Throws ``RPCError``.
    public func unary(_ method: String, _ request: [UInt8] = [], timeout: Duration? = nil) async throws -> [UInt8] {
        let call = call(method, timeout: timeout)
        await call.send(request, last: true)
        let response = await call.receive()
        let status = await call.status()
        guard status.code == .ok else { throw RPCError(status.code, status.message) }
        guard let response else { throw RPCError(.internal, "OK without a response") }
        return response
    }

    /// Cancels what is in progress, closes the connection and frees everything.
    public func close() async {
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
