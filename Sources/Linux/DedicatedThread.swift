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
        return try await withCheckedThrowingContinuation { continuation in
            do {
                try detach { continuation.resume(with: once.call()) }
            } catch {
                continuation.resume(throwing: error)
            }
        }
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

/// Work that is let go with all it holds before its result is told: who waits for it may count descriptors.
private final class Once<Value: Sendable>: Sendable {
    private let body: Mutex<(@Sendable () throws -> Value)?>

    init(_ body: @escaping @Sendable () throws -> Value) { self.body = Mutex(body) }

    func call() -> Result<Value, any Error> {
        guard let body = body.withLock({ $0.take() }) else { return .failure(CancellationError()) }
        return Result(catching: body)
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
