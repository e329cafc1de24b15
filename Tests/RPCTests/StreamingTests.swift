import Synchronization
import Testing

@testable import RPC

extension ServerTests {
    @Suite struct Streaming {
        @Test func messagesComeInOrder() async throws {
            let count = MethodHandler.serverStreaming { request, _, responses in
                for index in 0..<request[0] { try await responses.write(Payload([index])) }
            }
            try await withClient(["/t.T/Count": count]) { client in
                for expected in [UInt8(0), 1, 200] {
                    let call = client.call("/t.T/Count")
                    await call.send([expected], last: true)
                    var received: [UInt8] = []
                    while let message = await call.receive() { received += message }
                    #expect(received == Array(0..<expected))
                    let status = await call.status()
                    #expect(status == Status(code: .ok, message: ""))
                }
            }
        }

        @Test func writerWaitsForTheReader() async throws {
            let written = Atomic<Int>(0)
            let flood = MethodHandler.serverStreaming { _, _, responses in
                for _ in 0..<64 {
                    try await responses.write(Payload(Block(repeating: 1, count: 1 << 20)))
                    written.add(1, ordering: .relaxed)
                }
            }
            // Without the probing that widens it, flow control lets 64 KiB through.
            try await withClient(["/t.T/Flood": flood], arguments: [("grpc.http2.bdp_probe", 0)]) { client in
                let call = client.call("/t.T/Flood")
                await call.send([], last: true)
                var received = 0
                while let message = await call.receive() {
                    received += 1
                    #expect(message.count == 1 << 20)
                    #expect(written.load(ordering: .relaxed) <= received + 2)
                }
                #expect(received == 64)
                let status = await call.status()
                #expect(status.code == .ok)
            }
        }

        @Test func errorAfterMessages() async throws {
            let handler = MethodHandler.serverStreaming { _, _, responses in
                try await responses.write(Payload([1]))
                throw RPCError(.aborted, "enough")
            }
            try await withClient(["/t.T/Some": handler]) { client in
                let call = client.call("/t.T/Some")
                await call.send([], last: true)
                _ = await call.receive()
                let status = await call.status()
                #expect(status == Status(code: .aborted, message: "enough"))
            }
        }

        /// A handler can drop a caller who has stopped reading, and the caller learns why.
        @Test func errorPassesAStuckMessage() async throws {
            let handler = MethodHandler.serverStreaming { _, _, responses in
                try await withThrowingTaskGroup { group in
                    group.addTask {
                        while true { try await responses.write(Payload(Block(repeating: 1, count: 1 << 20))) }
                    }
                    group.addTask {
                        try await Task.sleep(for: .milliseconds(100))
                        throw RPCError(.resourceExhausted, "too slow")
                    }
                    try await group.next()
                }
            }
            let ended = Events<StatusCode>()
            try await withClient(
                ["/t.T/Flood": handler], arguments: [("grpc.http2.bdp_probe", 0)],
                { $0.observer = { _, code, _ in ended.add(code) } }
            ) { client in
                let call = client.call("/t.T/Flood")
                await call.send([], last: true)
                let code = try await ended.next()
                #expect(code == .resourceExhausted)
                while await call.receive() != nil {}
                let status = await call.status()
                #expect(status == Status(code: .resourceExhausted, message: "too slow"))
            }
        }

        @Test func tooLargeMessageEndsTheStream() async throws {
            let handler = MethodHandler.serverStreaming { _, _, responses in
                try await responses.write(Payload([1]))
                try await responses.write(Payload(Block(repeating: 1, count: 16 << 20 + 1)))
            }
            try await withClient(["/t.T/Some": handler]) { client in
                let call = client.call("/t.T/Some")
                await call.send([], last: true)
                let first = await call.receive()
                #expect(first == [1])
                let status = await call.status()
                #expect(status.code == .resourceExhausted)
            }
        }

        @Test func manyTasksMayWrite() async throws {
            let handler = MethodHandler.serverStreaming { _, _, responses in
                try await withThrowingTaskGroup { group in
                    for index in 0..<50 { group.addTask { try await responses.write(Payload([UInt8(index)])) } }
                    try await group.waitForAll()
                }
            }
            try await withClient(["/t.T/Some": handler]) { client in
                let call = client.call("/t.T/Some")
                await call.send([], last: true)
                var received: [UInt8] = []
                while let message = await call.receive() { received += message }
                #expect(received.sorted() == Array(0..<50))
            }
        }

        @Test func writerOutlivesTheCallWithoutHarm() async throws {
            let kept = Events<ResponseWriter>()
            let handler = MethodHandler.serverStreaming { _, _, responses in kept.add(responses) }
            try await withClient(["/t.T/Keep": handler]) { client in
                let call = client.call("/t.T/Keep")
                await call.send([], last: true)
                let status = await call.status()
                #expect(status.code == .ok)
                let writer = try await kept.next()
                await #expect(throws: CancellationError.self) { try await writer.write(Payload([1])) }
            }
        }

        @Test func bidirectionalEchoes() async throws {
            let handler = MethodHandler.bidirectional { requests, _, responses in
                while let request = try await requests.next() { try await responses.write(Payload(request)) }
            }
            try await withClient(["/t.T/Chat": handler]) { client in
                let call = client.call("/t.T/Chat")
                for index in UInt8(0)..<20 {
                    await call.send([index])
                    let echo = await call.receive()
                    #expect(echo == [index])
                }
                await call.halfClose()
                let end = await call.receive()
                #expect(end == nil)
                let status = await call.status()
                #expect(status.code == .ok)
            }
        }
    }
}
