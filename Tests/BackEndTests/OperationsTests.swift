import BackEnd
import Runtime
import Testing

struct OperationsTests {
    let operations = Operations()

    @Test func equalOperationsRunOnce() async throws {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let first = operations.task(for: "key") {
            for await _ in gate { break }
            return "1"
        }
        let second = operations.task(for: "key") { "2" }
        let other = operations.task(for: "other") { "3" }
        open.yield()
        #expect(try await [first.value, second.value, other.value] == ["1", "1", "3"])
        #expect(try await operations.run("key") { "4" } == "4")
    }

    @Test func aCallerThatLeavesDoesNotStopTheWork() async throws {
        let (started, start) = AsyncStream.makeStream(of: Void.self)
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let caller = Task {
            try await operations.run("key") {
                start.yield()
                for await _ in gate { break }
                return "done"
            }
        }
        for await _ in started { break }
        caller.cancel()
        await #expect(throws: CancellationError.self) { try await caller.value }
        let retry = operations.task(for: "key") { "again" }
        open.yield()
        #expect(try await retry.value == "done")
    }

    @Test func errorsReachEveryCaller() async {
        await #expect(throws: RuntimeError.self) {
            try await operations.complete("key") { throw RuntimeError(.unknown, "no") }
        }
    }
}
