import Glibc
import Testing

@testable import RPC

extension ServerTests {
    @Suite struct Shutdown {
        @Test func callInProgressIsFinished() async throws {
            let began = Events<Void>()
            let latch = Latch()
            let slow = MethodHandler.unary { _, _ in
                began.add(())
                await latch.wait()
                return Payload([7])
            }
            try await withServer(["/t.T/Slow": slow]) { server, path in
                let client = try Client(path)
                let call = client.call("/t.T/Slow")
                await call.send([], last: true)
                try await began.next()
                server.shutdown(grace: .seconds(100))
                server.shutdown(grace: .seconds(50))
                latch.open()
                let response = await call.receive()
                #expect(response == [7])
                let status = await call.status()
                #expect(status.code == .ok)
                await client.close()
            }
        }

        @Test func callIsCancelledAfterTheGrace() async throws {
            let events = Events<String>()
            try await withServer(["/t.T/Sleep": Cancellation.sleeper(events)]) { server, path in
                let client = try Client(path)
                let call = client.call("/t.T/Sleep")
                await call.send([], last: true)
                _ = try await events.next()
                server.shutdown(grace: .seconds(100))
                // The shorter grace wins.
                server.shutdown(grace: .milliseconds(50))
                let ended = try await events.next()
                #expect(ended == "cancelled")
                let status = await call.status()
                #expect(status.code != .ok)
                await client.close()
            }
        }

        @Test func subscriptionsEndAtOnce() async throws {
            let methods: [String: MethodHandler] = [
                "/t.T/Events": .subscription { _, _, responses in
                    try await responses.write(Payload([1]))
                    try await Task.sleep(for: .seconds(1000))
                },
                "/t.T/Chat": .bidirectional { requests, _, responses in
                    try await responses.write(Payload([1]))
                    _ = try await requests.next()
                },
            ]
            try await withServer(methods, grace: .seconds(1000)) { server, path in
                let client = try Client(path)
                let calls = [client.call("/t.T/Events"), client.call("/t.T/Chat")]
                await calls[0].send([], last: true)
                for call in calls { _ = await call.receive() }
                server.shutdown(grace: .seconds(1000))
                for call in calls {
                    let status = await call.status()
                    #expect(status == Status(code: .unavailable, message: "the server is stopping"))
                }
                await client.close()
            }
        }

        @Test func cancellingRunStopsTheServer() async throws {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/s.sock"
            let server = Server(configuration: .init(endpoint: .path(path), logger: .quiet), methods: [:])
            let running = try await start(server)
            running.cancel()
            try await running.value
            #expect(directory.names == [])
        }

        @Test func shutdownBeforeRun() async throws {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/s.sock"
            let server = Server(configuration: .init(endpoint: .path(path), logger: .quiet), methods: [:])
            server.shutdown(grace: .zero)
            try await server.run()
            await #expect(throws: RPCError.self) { try await server.run() }
            server.shutdown(grace: .zero)
        }

        @Test func callsAreServedUntilTheLastOneHasEnded() async throws {
            let events = Events<String>()
            let methods = Unary.echo.merging(["/t.T/Sleep": Cancellation.sleeper(events)]) { $1 }
            try await withServer(methods, grace: .zero) { server, path in
                let client = try Client(path)
                let call = client.call("/t.T/Sleep")
                await call.send([], last: true)
                _ = try await events.next()
                server.shutdown(grace: .seconds(100))
                while access(path, F_OK) == 0 { await Task.yield() }
                for _ in 0..<10 { #expect(try await client.unary("/t.T/Echo", [1]) == [1]) }
                server.shutdown(grace: .zero)
                let last = await call.status()
                #expect(last.code != .ok)
                await client.close()
            }
        }

        @Test(arguments: 1...3)
        func underLoad(threads: Int) async throws {
            try await withServer(Unary.echo, grace: .zero, { $0.threads = threads }) { server, path in
                let clients = try (0..<4).map { _ in try Client(path) }
                await withTaskGroup { group in
                    for client in clients {
                        for _ in 0..<8 {
                            group.addTask {
                                // Until the server goes away under it.
                                while (try? await client.unary("/t.T/Echo", [1])) != nil {}
                            }
                        }
                    }
                    for client in clients { _ = try? await client.unary("/t.T/Echo", [1]) }
                    server.shutdown(grace: .zero)
                }
                for client in clients { await client.close() }
            }
        }
    }
}
