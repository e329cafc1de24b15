import Testing

@testable import DockerEngine

@Suite(.timeLimit(.minutes(2))) struct CancellationTests {
    /// What a cancelled task was waiting for.
    enum Wait: String, CaseIterable, Sendable {
        case answer, streamHead, streamLine, hijackHead, hijackRead, hijackWrite

        func run(_ client: DockerEngine) async throws {
            switch self {
            case .answer: _ = try await client.waitContainer("x")
            case .streamHead: _ = try await client.events(filters: ["label": ["silent"]])
            case .streamLine: for try await _ in try await client.events() {}
            case .hijackHead: _ = try await client.startExec("silent", tty: true)
            case .hijackRead: _ = try await client.startExec("x", tty: true).next()
            case .hijackWrite:
                let stream = try await client.startExec("x", tty: true)
                while true { try await stream.write([UInt8](repeating: 0, count: 100_000)) }
            }
        }
    }

    private func silentDaemon() throws -> FakeDaemon {
        try FakeDaemon.speaking("1.41") { connection, line in
            if line.contains("/events?") && !line.contains("silent") || line.contains("/events ") {
                connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            } else if line.contains("/exec/x/") {
                connection.send("HTTP/1.1 101 UPGRADED\r\n\r\n")
                // Does not read, so that a writer has to wait, until the client hangs up.
                return connection.waitForHangUp()
            }
            connection.waitForClose()
        }
    }

    @Test(arguments: Wait.allCases)
    func aCancelledTaskEndsItsConnection(wait: Wait) async throws {
        let fake = try silentDaemon()
        let client = try fake.client()
        let task = Task { try await wait.run(client) }
        await fake.when { $0.requests == 2 }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        await fake.when { $0.open <= 1 }
    }

    @Test(arguments: Wait.allCases)
    func aTaskCancelledBeforehandSendsNothingForLong(wait: Wait) async throws {
        let fake = try silentDaemon()
        let client = try fake.client()
        try await client.ping()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await wait.run(client)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        await fake.when { $0.open <= 1 }
    }

    @Test func aThousandCancellationsLeaveNothingOpen() async throws {
        let fake = try silentDaemon()
        let client = try fake.client()
        try await client.ping()
        for round in 0..<10 {
            await withTaskGroup(of: Void.self) { group in
                for index in 0..<100 {
                    group.addTask {
                        let wait = Wait.allCases[index % Wait.allCases.count]
                        let task = Task { try await wait.run(client) }
                        // Cancelled at whatever point it has come to.
                        for _ in 0..<(index * 7 + round) % 40 { await Task.yield() }
                        task.cancel()
                        await #expect(throws: CancellationError.self) { try await task.value }
                    }
                }
            }
        }
        await fake.when { $0.open <= 1 }
        #expect(try await client.ping() == APIVersion(1, 41))
    }
}
