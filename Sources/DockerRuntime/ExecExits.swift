internal import Runtime
internal import Synchronization

/// Who waits for the exit of an exec; Docker's `exec_die` events answer.
final class ExecExits: Sendable {
    /// One exit that is awaited.
    final class Exit: Sendable {
        private let stream: AsyncStream<Int>
        let continuation: AsyncStream<Int>.Continuation

        init() { (stream, continuation) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingOldest(1)) }

        /// The exit code. Throws when nobody will tell it any more.
        func value() async throws -> Int {
            for await code in stream { return code }
            try Task.checkCancellation()
            throw RuntimeError(.unavailable, "exec: Docker went away before the command's exit was known")
        }
    }

    private let waiting = Mutex<[String: Exit]>([:])

    /// Call before asking Docker whether the exec has ended.
    func expect(_ exec: String) -> Exit {
        let exit = Exit()
        waiting.withLock { $0[exec] = exit }
        return exit
    }

    func forget(_ exec: String) { waiting.withLock { $0[exec] = nil } }

    func ended(_ exec: String, code: Int) {
        _ = waiting.withLock { $0[exec] }?.continuation.yield(code)
    }

    /// The events have stopped: nobody will answer.
    func giveUp() {
        for exit in waiting.withLock({ $0.values.map(\.self) }) { exit.continuation.finish() }
    }
}
