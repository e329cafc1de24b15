import Synchronization
import Testing

@testable import RPC

extension ServerTests {
    @Suite struct Load {
        @Test func aThousandCallsAtOnce() async throws {
            let here = Atomic<Int>(0)
            let all = Latch()
            let gather = MethodHandler.unary { request, _ in
                // All must be in progress before any ends.
                if here.add(1, ordering: .relaxed).newValue == 1000 { all.open() }
                await all.wait()
                return Payload(request)
            }
            try await withClient(["/t.T/Gather": gather]) { client in
                let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                    for index in 0..<1000 {
                        group.addTask {
                            let request = [UInt8](text: "\(index)")
                            return Int(try await client.unary("/t.T/Gather", request).text) ?? -1
                        }
                    }
                    return try await group.reduce(0, +)
                }
                #expect(sum == 499_500)
            }
        }

        @Test func fiveHundredConnectionsAtOnce() async throws {
            try await withServer(Unary.echo) { _, path in
                let connections = try (0..<500).map { _ in try RawConnection(path) }
                for connection in connections {
                    try connection.send(HTTP2.preface + HTTP2.request("/t.T/Echo", message: [42]))
                }
                for connection in connections {
                    let response = try connection.read { $0.contains(42) }
                    #expect(response.contains(42))
                }
            }
        }

        @Test func aThousandCancelledCalls() async throws {
            let events = Events<String>()
            try await withClient(["/t.T/Sleep": Cancellation.sleeper(events)]) { client in
                await withTaskGroup { group in
                    for _ in 0..<1000 {
                        group.addTask {
                            let call = client.call("/t.T/Sleep")
                            call.cancel()
                            await call.send([], last: true)
                            let status = await call.status()
                            #expect(status.code == .cancelled)
                        }
                    }
                }
            }
        }

        /// A server and what it has served leave no descriptor behind.
        @Test func descriptorsComeBack() async throws {
            let round = {
                try await withServer(Unary.echo) { _, path in
                    let clients = try (0..<20).map { _ in try Client(path) }
                    for client in clients { _ = try await client.unary("/t.T/Echo", [1]) }
                    let garbage = try (0..<20).map { _ in try RawConnection(path) }
                    for connection in garbage { try connection.send([UInt8](repeating: 1, count: 100)) }
                    for client in clients { await client.close() }
                }
            }
            try await round()
            let before = descriptorCount()
            try await round()
            #expect(descriptorCount() == before)
        }

        /// The blocks of a payload are let go when they have been sent, or when they never will be.
        @Test func blocksAreReleased() async throws {
            weak var weakSent: Block.Storage?
            weak var weakUnsent: Block.Storage?
            do {
                let sent = Block(repeating: 1, count: 100_000)
                let unsent = Block(repeating: 1, count: 17 << 20)
                weakSent = sent.storage
                weakUnsent = unsent.storage
                let methods: [String: MethodHandler] = [
                    "/t.T/Sent": .unary { _, _ in Payload(sent) }, "/t.T/Unsent": .unary { _, _ in Payload(unsent) },
                ]
                try await withClient(methods) { client in
                    for _ in 0..<10 { _ = try await client.unary("/t.T/Sent") }
                    _ = try? await client.unary("/t.T/Unsent")
                    let call = client.call("/t.T/Sent")
                    await call.send([], last: true)
                    call.cancel()
                    _ = await call.status()
                }
            }
            #expect(weakSent == nil)
            #expect(weakUnsent == nil)
        }
    }
}
