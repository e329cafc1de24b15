import Synchronization
import Testing

@testable import RPC

extension ServerTests {
    @Suite struct Unary {
        static let echo: [String: MethodHandler] = ["/t.T/Echo": .unary { request, _ in Payload(request) }]

        @Test(arguments: [0, 1, 100, 70_000, 16 << 20])
        func echoes(size: Int) async throws {
            var request = [UInt8](repeating: 7, count: size)
            // Marks that would show pieces in the wrong order.
            for index in stride(from: 0, to: size, by: 1009) { request[index] = UInt8(index / 1009 % 256) }
            try await withClient(Self.echo) { client in
                let response = try await client.unary("/t.T/Echo", request)
                #expect(response == request)
            }
        }

        @Test func joinsBlocks() async throws {
            let blocks = (0..<1000).map { Block(repeating: UInt8(truncatingIfNeeded: $0), count: $0 % 7) }
            try await withClient(["/t.T/Get": .unary { _, _ in Payload(blocks) }]) { client in
                let response = try await client.unary("/t.T/Get")
                #expect(response == Payload(blocks).bytes)
                let again = try await client.unary("/t.T/Get")
                #expect(again == Payload(blocks).bytes)
            }
        }

        @Test(arguments: StatusCode.allCases.filter { $0 != .ok })
        func errorBecomesStatus(code: StatusCode) async throws {
            let text = "nö such thing: 100%\nat all"
            try await withClient(["/t.T/Fail": .unary { _, _ in throw RPCError(code, text) }]) { client in
                await #expect(throws: RPCError(code, text)) { try await client.unary("/t.T/Fail") }
            }
        }

        @Test func otherErrorsAreUnknown() async throws {
            struct Odd: Error {}
            try await withClient(["/t.T/Fail": .unary { _, _ in throw Odd() }]) { client in
                await #expect(throws: RPCError(.unknown, "Odd()")) {
                    try await client.unary("/t.T/Fail")
                }
            }
        }

        @Test func longMessageIsClipped() async throws {
            let fail = MethodHandler.unary { _, _ in throw RPCError(.internal, String(repeating: "a€", count: 3000)) }
            try await withClient(["/t.T/Fail": fail], arguments: [("grpc.max_metadata_size", 1 << 20)]) { client in
                let status = await #expect(throws: RPCError.self) { try await client.unary("/t.T/Fail") }
                #expect(status?.code == .internal)
                #expect(status?.message == String(repeating: "a€", count: 1024) + "…")
            }
        }

        @Test func unknownMethod() async throws {
            let seen = Events<String>()
            try await withClient(Self.echo, { $0.observer = { method, code, _ in seen.add("\(method) \(code)") } }) {
                await #expect(throws: RPCError(.unimplemented, "unknown method /t.T/Nope")) {
                    [client = $0] in try await client.unary("/t.T/Nope")
                }
            }
            let report = try await seen.next()
            #expect(report == "unknown Unimplemented")
        }

        @Test func requestTooLarge() async throws {
            try await withClient(Self.echo) { client in
                let request = [UInt8](repeating: 0, count: 16 << 20 + 1)
                let status = await #expect(throws: RPCError.self) { try await client.unary("/t.T/Echo", request) }
                #expect(status?.code == .resourceExhausted)
                // The connection goes on.
                let response = try await client.unary("/t.T/Echo", [1])
                #expect(response == [1])
            }
        }

        @Test func responseTooLarge() async throws {
            let big = Payload(repeatElement(Block(repeating: 1, count: 1 << 20), count: 17))
            try await withClient(["/t.T/Big": .unary { _, _ in big }]) { client in
                let message = "response of 17825792 bytes is larger than the limit of 16777216"
                await #expect(throws: RPCError(.resourceExhausted, message)) {
                    try await client.unary("/t.T/Big")
                }
            }
        }

        @Test func contextTellsOfTheCall() async throws {
            let seen = Events<CallContext>()
            let handler = MethodHandler.unary { _, context in
                seen.add(context)
                return Payload()
            }
            try await withClient(["/t.T/Get": handler]) { client in
                let call = client.call(
                    "/t.T/Get", timeout: .seconds(100), metadata: [("x-name", "value"), ("y-bin", "\u{1}\u{7f}")])
                await call.send([], last: true)
                let response = await call.receive()
                #expect(response == [])
                let code = await call.status().code
                #expect(code == .ok)
                let context = try await seen.next()
                #expect(context.method == "/t.T/Get")
                #expect(context.metadata("x-name") == "value")
                #expect(context.metadata("y-bin") == "\u{1}\u{7f}")
                #expect(context.metadata("z") == nil)
                let left = try #require(context.timeLeft)
                #expect(left > .seconds(50) && left < .seconds(101))

                _ = try await client.unary("/t.T/Get")
                let deadline = try await seen.next().deadline
                #expect(deadline == nil)
            }
        }

        @Test func observerSeesEachCallOnce() async throws {
            let seen = Events<String>()
            let methods = Self.echo.merging(["/t.T/Fail": .unary { _, _ in throw RPCError(.notFound, "") }]) { $1 }
            try await withClient(methods, { $0.observer = { method, code, _ in seen.add("\(method) \(code)") } }) {
                client in
                _ = try await client.unary("/t.T/Echo")
                let first = try await seen.next()
                #expect(first == "/t.T/Echo OK")
                _ = try? await client.unary("/t.T/Fail")
                let second = try await seen.next()
                #expect(second == "/t.T/Fail NotFound")
                _ = try await client.unary("/t.T/Echo")
                let third = try await seen.next()
                #expect(third == "/t.T/Echo OK")
            }
        }

        @Test func severalMessagesAreOneRequest() async throws {
            try await withClient(Self.echo) { client in
                let call = client.call("/t.T/Echo")
                await call.send([1])
                await call.send([2])
                await call.halfClose()
                let response = await call.receive()
                #expect(response == [1])
                let code = await call.status().code
                #expect(code == .ok)
            }
        }

        @Test func noMessageIsAnError() async throws {
            try await withClient(Self.echo) { client in
                let call = client.call("/t.T/Echo")
                await call.halfClose()
                let response = await call.receive()
                #expect(response == nil)
                let code = await call.status().code
                #expect(code == .unimplemented)
            }
        }

        @Test func responseWithoutHalfClose() async throws {
            try await withClient(Self.echo) { client in
                let call = client.call("/t.T/Echo")
                await call.send([5])
                let response = await call.receive()
                #expect(response == [5])
                let code = await call.status().code
                #expect(code == .ok)
            }
        }
    }
}
