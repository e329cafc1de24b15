internal import CGRPC
internal import Synchronization

/// The core's server with its queue, from creation to destruction in the order that the core demands.
final class CoreServer: Sendable {
    /// The core's server and credentials may be used from any thread; they are freed once, by ``close()``.
    private nonisolated(unsafe) let raw: OpaquePointer
    private nonisolated(unsafe) let credentials: OpaquePointer
    private let queue: CompletionQueue
    /// Opens when, after ``cut()``, all connections are gone.
    let stopped = Latch()

    /// The core stays initialised until the process ends: `grpc_shutdown` waits ten seconds for a poller of its own
    /// whenever a client has been slow to read (`run_poller` in tcp_posix.cc), and frees nothing that grows.
    private static let initialized: Void = grpc_init()

    /// Standing requests: as many calls can arrive before the first is looked at.
    private static let acceptances = 16

    /// Starts the core, its threads and a server that has no connections yet.
    ///
    /// Throws ``SystemError`` when no thread can be had.
    init(dispatcher: Dispatcher) throws {
        CoreLog.send(to: dispatcher.logger)
        _ = Self.initialized
        queue = try CompletionQueue(threads: dispatcher.configuration.threads)
        raw = ChannelArguments(dispatcher.configuration).withRaw { grpc_server_create($0, nil) }
        credentials = grpc_insecure_server_credentials_create()
        grpc_server_register_completion_queue(raw, queue.raw, nil)
        grpc_server_start(raw)
        for _ in 0..<Self.acceptances {
            Acceptance(server: raw, queue: queue, dispatcher: dispatcher).request()
        }
    }

    /// Hands a connected socket to the core, which closes it.
    func adopt(_ socket: CInt) {
        grpc_server_add_channel_from_fd(raw, socket, credentials)
    }

    /// Takes no calls any more, cancels those in progress and closes the connections.
    ///
    /// The core does not answer a call that it has read after the first of these, so the second follows at once. What it
    /// has not read is no call yet: it tells the client which was the last one, and clients try the others again.
    func cut() {
        grpc_server_shutdown_and_notify(raw, queue.raw, Operation { [stopped] _ in stopped.open() }.tag)
        grpc_server_cancel_all_calls(raw)
    }

    /// Frees everything; after the latches ``stopped`` and ``Outstanding/none`` have opened.
    func close() async {
        let closed = Latch()
        queue.shutdown { [self] in
            grpc_server_destroy(raw)
            grpc_server_credentials_release(credentials)
            closed.open()
        }
        await closed.wait()
    }
}
