internal import CLinux
internal import Glibc
internal import Synchronization

/// A thread for work that blocks: it starts with the work, ends with it, and takes no signals.
///
/// The cooperative pool has one thread per core and must never wait in the kernel.
public enum DedicatedThread {
    /// Runs `body` on a thread of its own and answers what it answers. Throws SystemError when no thread can be had.
    public static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        let once = Once(body)
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            do {
                try detach {
                    once.call()
                    continuation.resume()
                }
            } catch {
                continuation.resume(throwing: error)
            }
        }
        return try once.take().get()
    }

    /// Runs `body` on a thread of its own that nobody waits for.
    public static func detach(_ body: @escaping @Sendable () -> Void) throws {
        try Thread.start("fender-blocking") {
            var all = sigset_t()
            sigfillset(&all)
            // SIGPIPE among them: a write to who has gone is an error here, whatever the process does with the signal.
            pthread_sigmask(SIG_BLOCK, &all, nil)
            body()
        }
    }
}

/// Work that is let go, with all it holds, before anyone is told of its result, and a result that the thread keeps no
/// part of: when the caller goes on, nothing of the work is open any more.
private final class Once<Value: Sendable>: Sendable {
    private enum State {
        case todo(@Sendable () throws -> Value)
        case done(Result<Value, any Error>)
        case taken
    }
    private let state: Mutex<State>

    init(_ body: @escaping @Sendable () throws -> Value) { state = Mutex(.todo(body)) }

    func call() {
        guard case .todo(let body) = exchange(.taken) else { return }
        let result = Result(catching: body)
        state.withLock { $0 = .done(result) }
    }

    func take() -> Result<Value, any Error> {
        guard case .done(let result) = exchange(.taken) else { return .failure(CancellationError()) }
        return result
    }

    private func exchange(_ new: State) -> State {
        state.withLock { state in
            defer { state = new }
            return state
        }
    }
}
