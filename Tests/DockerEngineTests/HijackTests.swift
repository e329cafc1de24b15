import Testing

@testable import DockerEngine

@Suite(.timeLimit(.minutes(2))) struct HijackTests {
    private static let head =
        "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\n\r\n"

    private static func collect(_ stream: HijackedStream) async throws -> ExecOutput {
        var output = ExecOutput()
        for try await frame in stream {
            if frame.stream == .stderr { output.stderr += frame.bytes } else { output.stdout += frame.bytes }
        }
        return output
    }

    @Test func anAnswerIsReadWhereverItIsCut() async throws {
        let wire = Array(Self.head.utf8) + FrameDecoderTests.frame(1, "hello") + FrameDecoderTests.frame(2, "oops")
        let fake = try FakeDaemon.speaking("1.41") { connection, line in
            let cut = Int(line.split(separator: "/")[2]) ?? 0
            connection.send(pieces: [Array(wire[..<cut]), Array(wire[cut...])])
            connection.close()
        }
        let client = try fake.client()
        for cut in 0...wire.count {
            let output = try await Self.collect(try await client.startExec("\(cut)", tty: false))
            #expect(output.stdout == Array("hello".utf8) && output.stderr == Array("oops".utf8), "cut at \(cut)")
        }
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nraw", true, "raw"),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 UPGRADED\r\n\r\nraw", true, "raw"),
        (
            "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\r\n\u{1}\0\0\0\0\0\0\u{2}ok",
            true, "ok"
        ),
    ])
    func bothKindsOfAnswerOpenTheStream(answer: String, tty: Bool, text: String) async throws {
        let fake = try FakeDaemon.saying(answer, closing: true)
        let client = try fake.client()
        let output = try await Self.collect(try await client.startExec("x", tty: tty))
        #expect(output.stdout == Array(text.utf8))
    }

    @Test(
        arguments: [
            ("HTTP/1.1 404 Not Found\r\nContent-Length: 21\r\n\r\n{\"message\":\"no exec\"}\n", .notFound, "no exec"),
            (
                "HTTP/1.1 409 Conflict\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{\"message\":\"paused\"}\r\n0\r\n\r\n",
                .conflict, "paused"
            ),
            ("HTTP/1.1 500 x\r\n\r\nplain text", .serverError, "plain text"),
            ("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", .decoding, "status 302"),
            ("HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\n{}", .decoding, "cut short"),
            ("HTTP/1.1 404 Not Found\r\nContent-Length: x\r\n\r\n{}", .decoding, "no number"),
            ("HTTP/1.1 101 UPGR", .unavailable, "without an answer"), ("", .unavailable, "without an answer"),
            ("SSH-2.0-x\r\n\r\n", .decoding, "no HTTP/1"),
        ] as [(String, DockerError.Kind, String)])
    func refusalsAreErrors(answer: String, kind: DockerError.Kind, text: String) async throws {
        let fake = try FakeDaemon.saying(answer, closing: true)
        let client = try fake.client()
        let error = await #expect(throws: DockerError.self) { try await client.startExec("x", tty: false) }
        #expect(error?.kind == kind)
        #expect(error?.message.contains(text) == true)
        #expect(error?.call == "POST /v1.41/exec/x/start" || error?.call == "POST /exec/x/start")
        await fake.when { $0.open <= 1 }
    }

    @Test func aStreamThatBreaksWithinAFrameIsAnError() async throws {
        let fake = try FakeDaemon.saying(Self.head + "\u{1}\0\0\0\0\0\0\u{9}part", closing: true)
        let client = try fake.client()
        let stream = try await client.startExec("x", tty: false)
        #expect(try await stream.next()?.bytes == Array("part".utf8))
        let error = await #expect(throws: DockerError.self) { try await stream.next() }
        #expect(error?.kind == .unavailable)
    }

    @Test func aStreamOfNoFramesIsAnError() async throws {
        let fake = try FakeDaemon.saying(Self.head + "this is no frame")
        let client = try fake.client()
        let stream = try await client.startExec("x", tty: false)
        let error = await #expect(throws: DockerError.self) { try await stream.next() }
        #expect(error?.kind == .decoding)
        await fake.when { $0.open <= 1 }
    }

    @Test func inputArrivesWholeAndEnds() async throws {
        let fake = try FakeDaemon.speaking("1.41") { connection, _ in
            connection.send(Self.head)
            let bytes = connection.readAll()
            connection.send("\(bytes.count) \(bytes.reduce(0) { ($0 &* 31) &+ Int($1) })")
            connection.close()
        }
        let client = try fake.client()
        let stream = try await client.startExec("x", tty: true)
        let chunk = (0..<70_001).map { UInt8(truncatingIfNeeded: $0) }
        for _ in 0..<30 { try await stream.write(chunk) }
        stream.closeWrite()
        await #expect(throws: DockerError.self) { try await stream.write([1]) }
        let all = Array(repeatElement(chunk, count: 30).joined())
        let expected = "\(all.count) \(all.reduce(0) { ($0 &* 31) &+ Int($1) })"
        #expect(try await Self.collect(stream).stdout == Array(expected.utf8))
    }

    @Test func aWriterWaitsForItsPeer() async throws {
        let (go, signal) = AsyncStream.makeStream(of: Void.self)
        let fake = try FakeDaemon.speaking("1.41") { connection, _ in
            connection.send(Self.head)
            blockUntil(go)
            let bytes = connection.readAll()
            connection.send("\(bytes.count)")
            connection.close()
        }
        let client = try fake.client()
        let stream = try await client.startExec("x", tty: true)
        let written = Counter()
        let writing = Task {
            for _ in 0..<100 {
                try await stream.write([UInt8](repeating: 1, count: 64 << 10))
                written.add(1)
            }
            stream.closeWrite()
        }
        // What fits is one buffer of ours and one of the kernel's; a writer that never waits would pass a hundred.
        await written.untilQuiet()
        #expect(written.value < 50)
        signal.finish()
        try await writing.value
        #expect(try await Self.collect(stream).stdout == Array("\(100 * (64 << 10))".utf8))
    }

    @Test func aSlowReaderHoldsThePeerBack() async throws {
        let (taken, tell) = AsyncStream.makeStream(of: Int.self)
        let fake = try FakeDaemon.speaking("1.41") { connection, line in
            connection.send(Self.head)
            if line.contains("/quick/") { return connection.close() }
            tell.yield(connection.sendUntilStalled([UInt8](repeating: 7, count: 64 << 10), milliseconds: 300))
            connection.close()
        }
        let client = try fake.client()
        let stream = try await client.startExec("slow", tty: true)
        var stalls = taken.makeAsyncIterator()
        let total = try #require(await stalls.next())
        #expect(total < 2 << 20)
        // The peer has hung up by now, and other streams go on.
        #expect(try await client.startExec("quick", tty: true).next() == nil)
        #expect(try await Self.collect(stream).stdout.count == total)
    }

    @Test func aPeerThatHangsUpWithInputUnreadStillIsRead() async throws {
        let fake = try FakeDaemon.speaking("1.41") { connection, _ in
            connection.send(Self.head)
            connection.send("bye")
            connection.waitForBytes()
            connection.close()
        }
        let client = try fake.client()
        let stream = try await client.startExec("x", tty: true)
        try await stream.write([UInt8](repeating: 0, count: 100_000))
        #expect(try await Self.collect(stream).stdout == Array("bye".utf8))
        await #expect(throws: DockerError.self) {
            while true { try await stream.write([UInt8](repeating: 0, count: 100_000)) }
        }
    }

    @Test func execCollectKeepsItsLimit() async throws {
        let wire =
            Self.head.utf8 + FrameDecoderTests.frame(1, "12345") + FrameDecoderTests.frame(2, "678")
            + FrameDecoderTests.frame(1, "90")
        let fake = try FakeDaemon.speaking("1.41") { connection, _ in
            connection.send(Array(wire))
            connection.close()
        }
        let client = try fake.client()
        for (limit, out, err, cut) in [
            (99, "1234590", "678", false), (10, "1234590", "678", false), (7, "12345", "67", true), (0, "", "", true),
        ] {
            let output = try await client.collectExec("x", limit: limit)
            #expect(output == ExecOutput(stdout: Array(out.utf8), stderr: Array(err.utf8), truncated: cut))
        }
    }

    @Test func execCollectMeetsItsTimeout() async throws {
        let fake = try FakeDaemon.speaking("1.41") { connection, _ in
            connection.send(Self.head)
            connection.waitForClose()
        }
        let client = try fake.client()
        let error = await #expect(throws: DockerError.self) {
            try await client.collectExec("x", timeout: .milliseconds(50))
        }
        #expect(error?.kind == .timeout)
        await fake.when { $0.open <= 1 }
    }

    @Test func tlsIsRefusedClearly() async throws {
        let endpoint = DockerEndpoint(.tcp(host: "127.0.0.1", port: 1), tls: DockerEndpoint.TLS())
        let client = try DockerEngine(endpoint: endpoint)
        client.learn(daemonVersion: APIVersion(1, 41))
        let error = await #expect(throws: DockerError.self) { try await client.startExec("x", tty: false) }
        #expect(error?.kind == .unsupported)
    }
}
