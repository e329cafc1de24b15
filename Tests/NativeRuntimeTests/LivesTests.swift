import Testing

@testable import NativeRuntime

struct LivesTests {
    let lives = Lives()

    @Test func whatDoesNotRunHasEnded() async throws {
        #expect(try await lives.ends("a", within: .seconds(60)))
    }

    @Test func everyoneWhoWaitsIsTold() async throws {
        lives.begin("a")
        let waiting = (0..<10).map { _ in Task { try await lives.ends("a", within: .seconds(60)) } }
        lives.end("a")
        for task in waiting { #expect(try await task.value) }
    }

    @Test func patienceEnds() async throws {
        lives.begin("a")
        #expect(try await lives.ends("a", within: .milliseconds(1)) == false)
        lives.end("a")
        #expect(try await lives.ends("a", within: .seconds(60)))
    }

    @Test func aCallerThatLeavesIsLetGo() async {
        lives.begin("a")
        let waiting = Task { try await lives.ends("a", within: .seconds(60)) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        lives.end("a")
    }
}
