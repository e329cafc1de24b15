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
        var attributes = pthread_attr_t()
        try check(pthread_attr_init(&attributes))
        defer { pthread_attr_destroy(&attributes) }
        try check(pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED)))
        try check(pthread_attr_setstacksize(&attributes, 1 << 20))
        let work = Unmanaged.passRetained(Work(body))
        var thread = pthread_t()
        let error = pthread_create(&thread, &attributes, runWork, work.toOpaque())
        if error != 0 { work.release() }
        try check(error)
    }

    private static func check(_ error: CInt) throws {
        if error != 0 { throw SystemError(call: "pthread_create", code: error) }
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

private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private func runWork(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
    var all = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, nil)
    work.body()
    return nil
}
