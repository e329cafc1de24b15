import Synchronization
import Testing

@testable import DockerEngine

@Suite(.timeLimit(.minutes(1))) struct NegotiationTests {
    @Test(arguments: [
        ("1.41", APIVersion(1, 41)), ("1.43", APIVersion(1, 43)), ("1.52", APIVersion(1, 52)),
        ("1.99", APIVersion(1, 52)), ("2.0", APIVersion(1, 52)),
    ])
    func theNewestCommonVersionIsSpoken(daemon: String, spoken: APIVersion) async throws {
        let fake = try FakeDaemon.speaking(daemon) { connection, _ in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        }
        let client = try fake.client()
        #expect(client.knownAPIVersion == nil)
        #expect(try await client.apiVersion == spoken)
        _ = try await client.info()
        #expect(client.knownAPIVersion == spoken)
        #expect(fake.requests == ["HEAD /_ping HTTP/1.1", "GET /v\(spoken)/info HTTP/1.1"])
    }

    @Test func anOlderDaemonIsRefusedClearly() async throws {
        let fake = try FakeDaemon.speaking("1.40") { _, _ in }
        let client = try fake.client()
        let error = await #expect(throws: DockerError.self) { try await client.info() }
        #expect(error?.kind == .unsupported)
        #expect(error?.message.contains("speaks API 1.40; 1.41 (Docker 20.10) or newer is needed") == true)
    }

    @Test(arguments: ["404 Not Found", "405 Method Not Allowed", "500 Internal Server Error"])
    func getStandsInForHead(status: String) async throws {
        let fake = try FakeDaemon { connection, line in
            if line.hasPrefix("HEAD") {
                connection.send("HTTP/1.1 \(status)\r\nContent-Length: 5\r\n\r\n")
            } else {
                connection.send("HTTP/1.1 200 OK\r\nApi-Version: 1.42\r\nContent-Length: 2\r\n\r\nOK")
            }
        }
        #expect(try await fake.client().ping() == APIVersion(1, 42))
    }

    @Test func whatIsNoDockerIsRefused() async throws {
        let fake = try FakeDaemon { connection, _ in connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }
        let error = await #expect(throws: DockerError.self) { try await fake.client().info() }
        #expect(error?.kind == .decoding)
    }

    /// A daemon whose version a test changes while it runs.
    private func changing(_ version: SharedText, refusesOthers: Bool) throws -> FakeDaemon {
        try FakeDaemon { connection, line in
            let spoken = version.value
            let isPing = line.contains("/_ping")
            if refusesOthers && !isPing && !line.contains("/v\(spoken)/") {
                let body = #"{"message":"client version 1.44 is too new. Maximum supported API version is \#(spoken)"}"#
                connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
                return
            }
            if line.contains("/exec/") {
                connection.send("HTTP/1.1 101 UPGRADED\r\nApi-Version: \(spoken)\r\n\r\n")
                return connection.close()
            }
            let body = isPing ? "" : "{}\n"
            connection.send(
                "HTTP/1.1 200 OK\r\nApi-Version: \(spoken)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }
    }

    @Test func anUpgradedDaemonIsSpokenToAnew() async throws {
        let version = SharedText("1.41")
        let fake = try changing(version, refusesOthers: false)
        let client = try fake.client()
        _ = try await client.info()
        version.value = "1.44"
        _ = try await client.info()
        #expect(client.knownAPIVersion == APIVersion(1, 44))
    }

    @Test func aDowngradedDaemonIsAskedAgain() async throws {
        let version = SharedText("1.44")
        let fake = try changing(version, refusesOthers: true)
        let client = try fake.client()
        _ = try await client.info()
        version.value = "1.43"
        _ = try await client.info()
        version.value = "1.42"
        for try await _ in try await client.events(until: 1) {}
        version.value = "1.41"
        #expect(try await client.startExec("x", tty: false).next() == nil)
        #expect(client.knownAPIVersion == APIVersion(1, 41))
    }

    @Test func aDaemonThatWasAwayIsPingedAgain() async throws {
        let fake = try FakeDaemon.speaking("1.41") { connection, line in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            connection.close()
        }
        let client = try fake.client()
        await #expect(throws: DockerError.self) { try await client.info() }
        #expect(client.knownAPIVersion == nil)
        await #expect(throws: DockerError.self) { try await client.info() }
        #expect(fake.requests.filter { $0.contains("_ping") }.count == 2)
    }
}

/// A text that a test and its daemon share.
private final class SharedText: Sendable {
    private let text: Mutex<String>

    init(_ text: String) {
        self.text = Mutex(text)
    }

    var value: String {
        get { text.withLock { $0 } }
        set { text.withLock { $0 = newValue } }
    }
}
