import Glibc
import Testing

@testable import RPC

extension ServerTests {
    @Suite struct Hostile {
        static let methods = Unary.echo

        /// The server must answer an honest client after whatever a bad one did.
        private func stillServes(_ path: String) async throws {
            let client = try Client(path)
            let response = try await client.unary("/t.T/Echo", [1])
            #expect(response == [1])
            await client.close()
        }

        @Test(arguments: [
            [UInt8](text: "GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            [UInt8](repeating: 0, count: 50_000),
            [UInt8](repeating: 0xff, count: 50_000),
            (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 7919 >> 3) },
            HTTP2.preface + [UInt8](repeating: 0xff, count: 1000),
            HTTP2.preface + HTTP2.frame(1, 4, 1, [UInt8](repeating: 0x80, count: 100)),
            HTTP2.preface + HTTP2.frame(0, 1, 1, [0, 0, 0, 0, 0]),
            HTTP2.preface + HTTP2.frame(1, 4, 2, HTTP2.headers([(":method", "POST")])),
            HTTP2.preface + HTTP2.frame(8, 0, 0, [0xff, 0xff, 0xff, 0xff]),
            HTTP2.preface + HTTP2.frame(4, 0, 0, [0, 4, 0xff, 0xff, 0xff, 0xff]),
        ])
        func garbage(bytes: [UInt8]) async throws {
            try await withServer(Self.methods) { _, path in
                let connection = try RawConnection(path)
                try connection.send(bytes)
                connection.halfClose()
                _ = try connection.read()
                try await stillServes(path)
            }
        }

        @Test func halfOfAPreface() async throws {
            try await withServer(Self.methods, grace: .zero) { _, path in
                let connection = try RawConnection(path)
                try connection.send(Array(HTTP2.preface.prefix(10)))
                try await stillServes(path)
                withExtendedLifetime(connection) {}
            }
        }

        @Test func callThatNeverSendsItsRequest() async throws {
            try await withServer(Self.methods, grace: .zero) { _, path in
                let connection = try RawConnection(path)
                let head = HTTP2.headers([
                    (":method", "POST"), (":scheme", "http"), (":path", "/t.T/Echo"), (":authority", "x"),
                    ("te", "trailers"), ("content-type", "application/grpc"),
                ])
                // Half of a message is announced and sent.
                try connection.send(
                    HTTP2.preface + HTTP2.frame(1, 4, 1, head) + HTTP2.frame(0, 0, 1, [0, 0, 0, 0, 10, 1, 2]))
                try await stillServes(path)
                withExtendedLifetime(connection) {}
            }
        }

        @Test func wrongContentType() async throws {
            try await withServer(Self.methods) { _, path in
                let connection = try RawConnection(path)
                try connection.send(
                    HTTP2.preface + HTTP2.request("/t.T/Echo", contentType: "text/plain", message: [1]))
                connection.halfClose()
                _ = try connection.read()
                try await stillServes(path)
            }
        }

        /// The messages' length and encoding flag lie.
        @Test(arguments: [[UInt8]]([[0, 0xff, 0xff, 0xff, 0xff], [1, 0, 0, 0, 1, 9], [2, 0, 0, 0, 0], [0, 0, 0]]))
        func brokenMessage(bytes: [UInt8]) async throws {
            try await withServer(Self.methods) { _, path in
                let connection = try RawConnection(path)
                let head = HTTP2.headers([
                    (":method", "POST"), (":scheme", "http"), (":path", "/t.T/Echo"), (":authority", "x"),
                    ("te", "trailers"), ("content-type", "application/grpc"), ("grpc-encoding", "gzip"),
                ])
                try connection.send(HTTP2.preface + HTTP2.frame(1, 4, 1, head) + HTTP2.frame(0, 1, 1, bytes))
                connection.halfClose()
                _ = try connection.read()
                try await stillServes(path)
            }
        }

        @Test func clientThatNeverReads() async throws {
            let big = MethodHandler.unary { _, _ in Payload(Block(repeating: 1, count: 4 << 20)) }
            try await withServer(Self.methods.merging(["/t.T/Big": big]) { $1 }, grace: .milliseconds(100)) {
                _, path in
                let connection = try RawConnection(path)
                try connection.send(HTTP2.preface)
                for index in UInt32(0)..<50 {
                    try connection.send(HTTP2.request("/t.T/Big", stream: index * 2 + 1, message: []))
                }
                try await stillServes(path)
                withExtendedLifetime(connection) {}
            }
        }

        /// The core's own decompression would make all of it before it looks at the size.
        @Test func decompressionBomb() async throws {
            try await withClient(Self.methods, arguments: [("grpc.default_compression_algorithm", 2)]) { client in
                let status = await #expect(throws: RPCError.self) {
                    try await client.unary("/t.T/Echo", [UInt8](repeating: 0, count: 64 << 20))
                }
                let text = "request is larger than the limit of 16777216 once decompressed"
                #expect(status == RPCError(.resourceExhausted, text))
            }
        }

        @Test func compressedRequest() async throws {
            let request = [UInt8](repeating: 7, count: 100_000)
            for algorithm in [1, 2] {
                try await withClient(Self.methods, arguments: [("grpc.default_compression_algorithm", algorithm)]) {
                    client in
                    let response = try await client.unary("/t.T/Echo", request)
                    #expect(response == request)
                }
            }
        }

        @Test func tooLargeMetadata() async throws {
            try await withServer(Self.methods) { _, path in
                let client = try Client(path)
                let call = client.call("/t.T/Echo", metadata: [("x", String(repeating: "v", count: 100_000))])
                await call.send([], last: true)
                let status = await call.status()
                #expect(status.code != .ok)
                await client.close()
                try await stillServes(path)
            }
        }

        @Test func moreConnectionsThanAllowed() async throws {
            try await withServer(Self.methods, { $0.maximumConnections = 4 }) { _, path in
                let connections = try (0..<4).map { _ in try RawConnection(path) }
                for connection in connections {
                    try connection.send(HTTP2.preface)
                    let settings = try connection.read { $0.count >= 9 }
                    #expect(settings.count >= 9)
                }
                let refused = try RawConnection(path)
                let nothing = try refused.read()
                #expect(nothing == [])

                connections[2].close()
                // The place is free when the core has closed its end.
                while true {
                    let next = try RawConnection(path)
                    try next.send(HTTP2.preface)
                    if try next.read(until: { $0.count >= 9 }).count >= 9 { break }
                }
            }
        }

        @Test func moreCallsThanAllowed() async throws {
            let events = Events<String>()
            try await withClient(["/t.T/Sleep": Cancellation.sleeper(events)], { $0.maximumCalls = 2 }) { client in
                let calls = [client.call("/t.T/Sleep"), client.call("/t.T/Sleep")]
                for call in calls {
                    await call.send([], last: true)
                    _ = try await events.next()
                }
                await #expect(throws: RPCError(.resourceExhausted, "too many calls in progress")) {
                    try await client.unary("/t.T/Sleep")
                }
                for call in calls { call.cancel() }
            }
        }
    }
}
