internal import Linux

/// Tells blocking work that nobody wants its result any more.
final class Cancellation: Sendable {
    private let event: WakeEvent

    private init() throws { event = try WakeEvent() }

    /// Throws `CancellationError` once it is not wanted.
    func check() throws {
        if event.wait(milliseconds: 0) { throw CancellationError() }
    }

    /// Waits that long, or throws `CancellationError` at once when it is not wanted.
    func sleep(milliseconds: Int) throws {
        if event.wait(milliseconds: CInt(clamping: milliseconds)) { throw CancellationError() }
    }

    /// Runs `body` on a thread of its own, and tells it when the task is cancelled; its end is waited for nevertheless.
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable (Cancellation) throws -> Value
    ) async throws -> Value {
        let cancellation = try Cancellation()
        return try await withTaskCancellationHandler {
            try await DedicatedThread.run { try body(cancellation) }
        } onCancel: {
            cancellation.event.set()
        }
    }
}
