import Synchronization
import Testing

@testable import RPC

extension ServerTests {
    @Suite struct Cancellation {
        /// Sleeps until it is cancelled, and tells when it begins and ends.
        static func sleeper(_ events: Events<String>) -> MethodHandler {
            .unary { _, _ in
                events.add("began")
                do {
                    try await Task.sleep(for: .seconds(1000))
                } catch {
                    events.add("cancelled")
                    throw error
                }
                return Payload()
            }
        }

        @Test func clientCancels() async throws {
            let events = Events<String>()
            let codes = Events<StatusCode>()
            try await withClient(
                ["/t.T/Sleep": Self.sleeper(events)], { $0.observer = { _, code, _ in codes.add(code) } }
            ) { client in
                let call = client.call("/t.T/Sleep")
                await call.send([], last: true)
                let began = try await events.next()
                #expect(began == "began")
                call.cancel()
                let ended = try await events.next()
                #expect(ended == "cancelled")
                let code = try await codes.next()
                #expect(code == .cancelled)
                let status = await call.status()
                #expect(status.code == .cancelled)
            }
        }

        @Test func deadlinePasses() async throws {
            let events = Events<String>()
            let codes = Events<StatusCode>()
            try await withClient(
                ["/t.T/Sleep": Self.sleeper(events)], { $0.observer = { _, code, _ in codes.add(code) } }
            ) { client in
                await #expect(throws: RPCError.self) {
                    try await client.unary("/t.T/Sleep", timeout: .milliseconds(200))
                }
                _ = try await events.next()
                let ended = try await events.next()
                #expect(ended == "cancelled")
                let code = try await codes.next()
                #expect(code == .deadlineExceeded)
            }
        }

        @Test func clientVanishes() async throws {
            let events = Events<String>()
            try await withServer(["/t.T/Sleep": Self.sleeper(events)]) { _, path in
                let connection = try RawConnection(path)
                try connection.send(HTTP2.preface + HTTP2.request("/t.T/Sleep", message: []))
                let began = try await events.next()
                #expect(began == "began")
                connection.close()
                let ended = try await events.next()
                #expect(ended == "cancelled")
            }
        }

        @Test func writerInFlightIsReleased() async throws {
            let events = Events<String>()
            let flood = MethodHandler.serverStreaming { _, _, responses in
                do {
                    while true { try await responses.write(Payload(Block(repeating: 1, count: 1 << 20))) }
                } catch is CancellationError {
                    events.add("released")
                    throw CancellationError()
                }
            }
            try await withClient(["/t.T/Flood": flood], arguments: [("grpc.http2.bdp_probe", 0)]) { client in
                let call = client.call("/t.T/Flood")
                await call.send([], last: true)
                _ = await call.receive()
                call.cancel()
                let released = try await events.next()
                #expect(released == "released")
            }
        }

        @Test func readerIsReleased() async throws {
            let events = Events<String>()
            let listen = MethodHandler.bidirectional { requests, _, responses in
                try await responses.write(Payload([1]))
                do {
                    while try await requests.next() != nil {}
                } catch is CancellationError {
                    events.add("released")
                    throw CancellationError()
                }
            }
            try await withClient(["/t.T/Listen": listen]) { client in
                let call = client.call("/t.T/Listen")
                await call.send([1])
                _ = await call.receive()
                call.cancel()
                let released = try await events.next()
                #expect(released == "released")
            }
        }

        /// A handler that goes on after its caller has left neither crashes nor holds up the server.
        @Test func handlerThatIgnoresCancellation() async throws {
            let latch = Latch()
            let began = Events<Void>()
            let stubborn = MethodHandler.unary { _, _ in
                began.add(())
                await Task.detached { await latch.wait() }.value
                return Payload([1])
            }
            let ended = Events<StatusCode>()
            try await withServer(
                ["/t.T/Stubborn": stubborn], grace: .zero,
                {
                    $0.cancellationGrace = .milliseconds(50)
                    $0.observer = { _, code, _ in ended.add(code) }
                }
            ) { _, path in
                let client = try Client(path)
                let call = client.call("/t.T/Stubborn")
                await call.send([], last: true)
                try await began.next()
                call.cancel()
                let status = await call.status()
                #expect(status.code == .cancelled)
                await client.close()
            }
            // The server is gone; the handler ends only now.
            latch.open()
            let code = try await ended.next()
            #expect(code == .cancelled)
        }
    }
}
