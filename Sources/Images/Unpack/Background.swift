internal import Linux
internal import Synchronization

/// Work on a thread of its own beside the caller's, which blocks when it wants the result.
final class Background<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)
    private let isDone: WakeEvent

    private init() throws { isDone = try WakeEvent() }

    /// Starts `body`. Throws SystemError when no thread can be had.
    static func start(_ body: @escaping @Sendable () throws -> Value) throws -> Background {
        let work = try Background()
        try DedicatedThread.detach {
            let result = Result(catching: body)
            work.result.withLock { $0 = result }
            work.isDone.set()
        }
        return work
    }

    /// Waits for the end.
    func join() -> Result<Value, any Error> {
        while !isDone.wait(milliseconds: -1) {}
        return result.withLock { $0 } ?? .failure(CancellationError())
    }
}
