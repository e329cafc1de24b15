import Testing

@testable import DockerEngine

/// What the client makes of answers no healthy daemon gives.
@Suite(.timeLimit(.minutes(2))) struct FakeDaemonAnswerTests {
    private static func whole(_ status: String, _ body: String, _ fields: String = "") -> String {
        "HTTP/1.1 \(status)\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test(
        arguments: [
            (whole("200 OK", #"{"Id":"x","State":{"Pi"#), .decoding, "unexpected answer"),
            (whole("200 OK", "<html>"), .decoding, "unexpected answer"),
            (whole("200 OK", ""), .decoding, "unexpected answer"),
            (whole("200 OK", "[]"), .decoding, "unexpected answer"),
            (whole("200 OK", #"{"State":7}"#), .decoding, "State"),
            (whole("400 Bad Request", #"{"message":"no sense"}"#), .badRequest, "no sense"),
            (whole("401 Unauthorized", #"{"message":"who"}"#), .unauthorized, "who"),
            (whole("404 Not Found", #"{"message":"No such container: x"}"#), .notFound, "No such container: x"),
            (whole("404 Not Found", "404 page not found"), .notFound, "404 page not found"),
            (whole("409 Conflict", #"{"message":"in use"}"#), .conflict, "in use"),
            (whole("500 Internal Server Error", #"{"message":null}"#), .serverError, "null"),
            (whole("503 Service Unavailable", ""), .serverError, "status 503"),
            (whole("301 Moved", ""), .decoding, "status 301"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", .unavailable, ""),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", .unavailable, ""),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{", .unavailable, ""),
            ("HTTP/1.1 200", .unavailable, ""), ("", .unavailable, ""), ("SSH-2.0-OpenSSH\r\n", .decoding, ""),
        ] as [(String, DockerError.Kind, String)])
    func badAnswersAreErrors(answer: String, kind: DockerError.Kind, text: String) async throws {
        let fake = try FakeDaemon.saying(answer, closing: true)
        let client = try fake.client()
        let error = await #expect(throws: DockerError.self) { try await client.inspectContainer("x") }
        #expect(error?.kind == kind)
        #expect(error?.description.contains(text) == true)
        #expect(error?.description.contains("/containers/x/json: ") == true)
    }

    @Test func startAndStopTakeNotModifiedForSuccess() async throws {
        let fake = try FakeDaemon.saying("HTTP/1.1 304 Not Modified\r\n\r\n")
        let client = try fake.client()
        #expect(try await client.startContainer("x") == false)
        #expect(try await client.stopContainer("x", timeout: 3) == false)
        #expect(
            fake.requests.suffix(2) == [
                "POST /v1.41/containers/x/start HTTP/1.1", "POST /v1.41/containers/x/stop?t=3 HTTP/1.1",
            ])
    }

    @Test func answersLargerThanTheLimitAreDropped() async throws {
        let body = "[" + String(repeating: " ", count: 100_000) + "]"
        let fake = try FakeDaemon.saying(Self.whole("200 OK", body))
        let client = try fake.client()
        var request = Request(.get, "/containers/json", deadline: nil)
        request.responseLimit = 99_999
        let error = await #expect(throws: DockerError.self) { try await client.send(request) }
        #expect(error?.kind == .decoding)
        request.responseLimit = 100_002
        #expect(try await client.send(request).body.count == 100_002)
    }

    @Test func requestsAreSentAsTheApiWantsThem() async throws {
        let fake = try FakeDaemon.speaking("1.44") { connection, line in
            connection.send(Self.whole("200 OK", line.contains("/json") || line.hasPrefix("DELETE") ? "[]" : "{}"))
        }
        let client = try fake.client()
        _ = try await client.listContainers(filters: ["label": ["a=b", "c"]])
        try await client.killContainer("x/y", signal: "SIGHUP")
        try await client.stopContainer("x", timeout: -1, signal: "SIGUSR1")
        try await client.removeContainer("x", force: true, volumes: true)
        try await client.removeImage("r:5/a@sha256:1", force: true)
        try await client.resizeExec("e", height: 24, width: 80)
        _ = try await client.dataUsage(types: ["image", "container"])
        _ = try await client.listImages(sharedSize: true)
        #expect(
            fake.requests.dropFirst() == [
                "GET /v1.44/containers/json?all=1&filters=%7B%22label%22%3A%5B%22a%3Db%22%2C%22c%22%5D%7D HTTP/1.1",
                "POST /v1.44/containers/x%2Fy/kill?signal=SIGHUP HTTP/1.1",
                "POST /v1.44/containers/x/stop?t=-1&signal=SIGUSR1 HTTP/1.1",
                "DELETE /v1.44/containers/x?force=1&v=1 HTTP/1.1",
                "DELETE /v1.44/images/r:5/a@sha256:1?force=1 HTTP/1.1",
                "POST /v1.44/exec/e/resize?h=24&w=80 HTTP/1.1",
                "GET /v1.44/system/df?type=image&type=container HTTP/1.1",
                "GET /v1.44/images/json?digests=1&shared-size=1 HTTP/1.1",
            ])
    }

    @Test func aSlowAnswerMeetsItsDeadline() async throws {
        let fake = try FakeDaemon.speaking("1.41") { connection, _ in connection.waitForClose() }
        let client = try fake.client()
        for call in 0..<3 {
            let error = await #expect(throws: DockerError.self) {
                switch call {
                case 0: _ = try await client.inspectContainer("x", deadline: .milliseconds(50))
                case 1: _ = try await client.events(deadline: .milliseconds(50))
                default: _ = try await client.startExec("x", tty: false, deadline: .milliseconds(50))
                }
            }
            #expect(error?.kind == .timeout)
        }
        await fake.when { $0.requests == 4 && $0.open <= 1 }
    }

    @Test func nobodyListeningIsUnavailable() async throws {
        let client = try DockerEngine(endpoint: DockerEndpoint(.unix(path: "/nonexistent/docker.sock")))
        for call in 0..<3 {
            let error = await #expect(throws: DockerError.self) {
                switch call {
                case 0: _ = try await client.info()
                case 1: _ = try await client.events()
                default: _ = try await client.startExec("x", tty: false)
                }
            }
            #expect(error?.kind == .unavailable)
            #expect(error?.message == "cannot connect to unix:///nonexistent/docker.sock: No such file or directory")
        }
    }

    @Test func connectionsAreReusedAndEndWithTheClient() async throws {
        let fake = try FakeDaemon.saying(Self.whole("200 OK", "{}"))
        var client: DockerEngine? = try fake.client()
        for _ in 0..<20 { _ = try await client?.info() }
        await fake.when { $0.requests == 21 && $0.accepted == 1 }
        client = nil
        await fake.when { $0.open == 0 }
    }

    @Test func aClosedIdleConnectionIsReplaced() async throws {
        let fake = try FakeDaemon.saying(Self.whole("200 OK", "{}"), closing: true)
        let client = try fake.client()
        for _ in 0..<20 { _ = try await client.info() }
        #expect(fake.requests.count == 21)
    }

    @Test func aClosedClientRefuses() async throws {
        let fake = try FakeDaemon.speaking("1.41") { connection, _ in connection.waitForClose() }
        let client = try fake.client()
        let waiting = Task { try await client.waitContainer("x") }
        let execing = Task { try await client.startExec("x", tty: false, deadline: nil) }
        await fake.when { $0.requests == 3 || $0.requests == 4 && $0.open >= 2 }
        client.close()
        for task in [Task { _ = try await waiting.value }, Task { _ = try await execing.value }] {
            let error = await #expect(throws: DockerError.self) { try await task.value }
            #expect(error?.kind == .unavailable)
        }
        await #expect(throws: DockerError.self) { try await client.info() }
        await #expect(throws: DockerError.self) { try await client.startExec("x", tty: false) }
        await fake.when { $0.open == 0 }
    }
}
