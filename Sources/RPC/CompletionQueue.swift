internal import CGRPC
internal import Linux
internal import Synchronization

/// What to do when the core has finished something it was asked for.
///
/// Its address is the tag: the core holds one reference from the request until the completion.
final class Operation: Sendable {
    private let body: @Sendable (_ succeeded: Bool) -> Void

    init(_ body: @escaping @Sendable (_ succeeded: Bool) -> Void) {
        self.body = body
    }

    /// A tag to give to the core, which must come back through ``complete(_:_:)`` exactly once.
    var tag: UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }

    /// Takes a tag back.
    static func complete(_ tag: UnsafeMutableRawPointer, _ succeeded: Bool) {
        Unmanaged<Operation>.fromOpaque(tag).takeRetainedValue().body(succeeded)
    }
}

/// A NEXT completion queue and the threads that drive it; sockets progress only while a thread waits on it.
///
/// The callback kind of queue has no threads of its own in the Debian library, so it would stand still.
final class CompletionQueue: Sendable {
    /// The core's queue functions may be called from any thread; the last of our threads frees it.
    nonisolated(unsafe) let raw: OpaquePointer
    private let state: Mutex<State>

    private struct State {
        var threads: Int
        var afterwards: (@Sendable () -> Void)?
    }

    /// A queue served by up to `threads` threads; throws ``SystemError`` when not even one can be started.
    init(threads: Int) throws {
        raw = grpc_completion_queue_create_for_next(nil)
        state = Mutex(State(threads: 1))
        do {
            try Thread.start("rpc-0") { [self] in serve() }
        } catch {
            grpc_completion_queue_shutdown(raw)
            serve()
            throw error
        }
        for index in 1..<max(1, threads) {
            state.withLock { $0.threads += 1 }
            do {
                try Thread.start("rpc-\(index)") { [self] in serve() }
            } catch {
                // Fewer threads do the same work.
                state.withLock { $0.threads -= 1 }
                return
            }
        }
    }

    /// Lets what is under way complete, frees the queue and runs `afterwards` on a thread of the queue.
    ///
    /// No operation may be started any more: the core would abort the process.
    func shutdown(then afterwards: @escaping @Sendable () -> Void) {
        state.withLock { $0.afterwards = afterwards }
        grpc_completion_queue_shutdown(raw)
    }

    private func serve() {
        poll()
        let (last, afterwards) = state.withLock { state in
            state.threads -= 1
            // What runs afterwards holds the queue: taken out, so that they let each other go.
            return (state.threads == 0, state.threads == 0 ? state.afterwards.take() : nil)
        }
        guard last else { return }
        grpc_completion_queue_destroy(raw)
        afterwards?()
    }

    /// Completes what comes until the queue is shut down and empty.
    private func poll() {
        while true {
            let event = grpc_completion_queue_next(raw, gpr_inf_future(GPR_CLOCK_REALTIME), nil)
            switch event.type {
            case GRPC_OP_COMPLETE: Operation.complete(event.tag, event.success != 0)
            case GRPC_QUEUE_SHUTDOWN: return
            default: continue
            }
        }
    }
}
