import Testing

@testable import DockerEngine

@Suite(.timeLimit(.minutes(2))) struct StreamTests {
    private static let lines =
        #"{"Type":"container","Action":"start","Actor":{"ID":"a"}}"# + "\n\r\n"
        + #"{"Type":"container","Action":"die","Actor":{"ID":"ä"}}"# + "\r\n"

    /// `text` in HTTP chunks of `size` bytes.
    private static func chunked(_ text: String, size: Int) -> [UInt8] {
        let bytes = Array(text.utf8)
        var wire: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = bytes[start..<min(bytes.count, start + size)]
            wire += Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8)
        }
        return wire + Array("0\r\n\r\n".utf8)
    }

    private static let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test(arguments: [1, 2, 7, 1000])
    func eventsAreFoundWhereverTheyAreCut(chunkSize: Int) async throws {
        let wire = Array(Self.head.utf8) + Self.chunked(Self.lines, size: chunkSize)
        let cuts = Array(stride(from: 0, to: wire.count, by: chunkSize == 1000 ? 1 : 13))
        let fake = try FakeDaemon.speaking("1.41") { connection, line in
            let cut = line.split(separator: "?").dropFirst().first.flatMap { query in
                Int(query.drop { $0 != "=" }.dropFirst().prefix { $0.isNumber })
            }
            connection.send(pieces: [Array(wire[..<(cut ?? 0)]), Array(wire[(cut ?? 0)...])])
        }
        let client = try fake.client()
        for cut in cuts {
            var actions: [String] = []
            for try await event in try await client.events(since: Int64(cut) * 1_000_000_000, until: 1) {
                actions.append(event.Action + event.Actor.ID)
            }
            #expect(actions == ["starta", "dieä"], "cut at \(cut)")
        }
    }

    @Test func aDaemonThatLeavesEndsEventsBadly() async throws {
        let fake = try FakeDaemon.speaking("1.41") { connection, line in
            connection.send(Self.head + "2\r\n{}\r\n2\r\n\r\n\r\n")
            if line.contains("since") { connection.send("0\r\n\r\n") } else { connection.close() }
        }
        let client = try fake.client()
        for since in [nil, Int64(1)] {
            var iterator = try await client.events(since: since).makeAsyncIterator()
            #expect(try await iterator.next() != nil)
            let error = await #expect(throws: DockerError.self) { try await iterator.next() }
            #expect(error?.kind == .unavailable)
        }
    }

    @Test(arguments: [
        ("{\"Type\":\n", 1), ("[]\n", 1), ("x", 5 << 20),
    ])
    func badLinesEndTheStream(text: String, count: Int) async throws {
        let line = String(repeating: text, count: count)
        let fake = try FakeDaemon.saying(
            "HTTP/1.1 200 OK\r\nContent-Length: \(line.utf8.count)\r\n\r\n" + line, closing: true)
        let client = try fake.client()
        var iterator = try await client.events().makeAsyncIterator()
        let error = await #expect(throws: DockerError.self) { try await iterator.next() }
        #expect(error?.kind == .decoding)
    }

    @Test func anErrorWithinAPullIsThrown() async throws {
        let body =
            #"{"status":"Pulling","id":"1"}"# + "\r\n" + #"{"errorDetail":{"message":"no space"},"error":"e"}"# + "\r\n"
        let fake = try FakeDaemon.saying("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body)
        let client = try fake.client()
        var auth = Docker.AuthConfig()
        auth.username = "u"
        var iterator = try await client.pullImage("i", tag: "t", auth: auth).makeAsyncIterator()
        #expect(try await iterator.next()?.status == "Pulling")
        let error = await #expect(throws: DockerError.self) { try await iterator.next() }
        #expect(error?.kind == .serverError && error?.message == "no space" && error?.status == 200)
        #expect(fake.requests.last == "POST /v1.41/images/create?fromImage=i&tag=t HTTP/1.1")
    }

    @Test func aRefusedStreamIsAnError() async throws {
        let body = #"{"message":"pull access denied"}"#
        let fake = try FakeDaemon.saying("HTTP/1.1 404 Not Found\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body)
        let error = await #expect(throws: DockerError.self) { try await fake.client().pullImage("i") }
        #expect(error?.kind == .notFound && error?.message == "pull access denied")
    }

    @Test func aSlowReaderHoldsTheDaemonBack() async throws {
        let line = Array((#"{"Action":""# + String(repeating: "x", count: 1000) + "\"}\n").utf8)
        let (taken, tell) = AsyncStream.makeStream(of: Int.self)
        let fake = try FakeDaemon.speaking("1.41") { connection, _ in
            connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            tell.yield(connection.sendUntilStalled(line, milliseconds: 300))
            connection.waitForRoom()
            tell.yield(connection.sendUntilStalled(line, milliseconds: 300))
            connection.close()
        }
        let client = try fake.client()
        var iterator = try await client.events(until: 1).makeAsyncIterator()
        var stalls = taken.makeAsyncIterator()
        let first = try #require(await stalls.next())
        // Two buffers of ours, libcurl's, and the socket's.
        #expect(first < 2 << 20)
        // The other transfers go on meanwhile.
        #expect(try await client.ping() == APIVersion(1, 41))
        var count = 0
        while count < first / line.count, try await iterator.next() != nil { count += 1 }
        #expect(try #require(await stalls.next()) > 0)
        while let event = try await iterator.next() {
            #expect(event.Action.utf8.count == 1000)
            count += 1
        }
        #expect(count > first / line.count)
    }

    @Test func aDroppedStreamEndsItsTransfer() async throws {
        let fake = try FakeDaemon.speaking("1.41") { connection, _ in
            connection.send(Self.head)
            connection.waitForClose()
        }
        let client = try fake.client()
        for _ in 0..<10 { _ = try await client.events() }
        await fake.when { $0.requests == 11 && $0.open <= 1 }
    }

    @Test func anUploadIsSentAsItComes() async throws {
        let (told, tell) = AsyncStream.makeStream(of: Int.self)
        let fake = try FakeDaemon.speaking("1.41") { connection, _ in
            // The body is chunked; its end is the chunk of no bytes.
            var bytes: [UInt8] = []
            while !bytes.suffix(5).elementsEqual("0\r\n\r\n".utf8), let more = connection.some() { bytes += more }
            tell.yield(bytes.count { $0 == UInt8(ascii: "x") })
            let body = #"{"status":"sha256:1"}"#
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body)
        }
        let (chunks, feed) = AsyncThrowingStream.makeStream(of: [UInt8].self)
        let client = try fake.client()
        let importing = Task { try await client.importImage(.stream(chunks), repo: "r") }
        for _ in 0..<40 { feed.yield([UInt8](repeating: UInt8(ascii: "x"), count: 50_000)) }
        feed.finish()
        #expect(try await importing.value == "sha256:1")
        var counts = told.makeAsyncIterator()
        #expect(await counts.next() == 2_000_000)
    }

    @Test func aFailingUploadEndsTheCall() async throws {
        struct Broken: Error {}
        let fake = try FakeDaemon.speaking("1.41") { connection, _ in connection.waitForClose() }
        let client = try fake.client()
        let (chunks, feed) = AsyncThrowingStream.makeStream(of: [UInt8].self)
        feed.yield([1])
        feed.finish(throwing: Broken())
        await #expect(throws: Broken.self) { try await client.loadImage(.stream(chunks)) }
        await fake.when { $0.open <= 1 }
    }
}
