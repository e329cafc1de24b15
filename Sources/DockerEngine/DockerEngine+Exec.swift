/// What a command run by ``DockerEngine/collectExec(_:limit:timeout:)`` wrote.
public struct ExecOutput: Sendable, Hashable {
    /// Its standard output; with a terminal all it wrote.
    public var stdout: [UInt8] = []
    /// Its standard error.
    public var stderr: [UInt8] = []
    /// More was written than the limit allowed, and dropped.
    public var truncated = false
}

extension DockerEngine {
    /// `POST /containers/{id}/exec`: the new exec's id; ``DockerError/Kind/conflict`` when the container does not run.
    public func createExec(
        container: String, _ config: Docker.ExecConfig, deadline: Duration? = defaultDeadline
    ) async throws -> String {
        var request = Request(.post, try path("/containers", id: container, "/exec"), deadline: deadline)
        try request.setBody(config)
        return try await fetch(Docker.IDResponse.self, request).Id
    }

    /// `POST /exec/{id}/start` on a hijacked connection; `deadline` is for the answer's head.
    ///
    /// Closing the stream does not end the command. A command that cannot start says so as text on its output and
    /// exits 126 or 127.
    public func startExec(
        _ id: String, tty: Bool, deadline: Duration? = defaultDeadline
    ) async throws -> HijackedStream {
        struct ExecStartConfig: Encodable {
            let Detach = false
            let Tty: Bool
        }
        var request = Request(.post, try path("/exec", id: id, "/start"), deadline: deadline)
        try request.setBody(ExecStartConfig(Tty: tty))
        return try await hijack(request, tty: tty)
    }

    /// Starts an exec and collects what it writes until its streams end.
    ///
    /// Keeps `limit` bytes of both streams together and drops the rest while the command goes on. After `timeout`
    /// throws ``DockerError/Kind/timeout``; the command then still runs, at the pid that
    /// ``inspectExec(_:deadline:)`` tells.
    public func collectExec(
        _ id: String, tty: Bool = false, limit: Int = 16 << 20, timeout: Duration? = nil
    ) async throws -> ExecOutput {
        try await withDeadline(timeout, call: "exec \(id)") {
            let stream = try await self.startExec(id, tty: tty, deadline: nil)
            defer { stream.close() }
            var output = ExecOutput()
            while let frame = try await stream.next() {
                let room = limit - output.stdout.count - output.stderr.count
                if frame.bytes.count > room { output.truncated = true }
                switch frame.stream {
                case .stdout, .stdin: output.stdout += frame.bytes.prefix(room)
                case .stderr, .systemError: output.stderr += frame.bytes.prefix(room)
                }
            }
            return output
        }
    }

    /// `GET /exec/{id}/json`.
    public func inspectExec(
        _ id: String, deadline: Duration? = defaultDeadline
    ) async throws -> Docker.ExecInspectResponse {
        try await fetch(
            Docker.ExecInspectResponse.self, Request(.get, try path("/exec", id: id, "/json"), deadline: deadline))
    }

    /// `POST /exec/{id}/resize`: the size of its terminal in characters.
    public func resizeExec(
        _ id: String, height: Int, width: Int, deadline: Duration? = defaultDeadline
    ) async throws {
        var request = Request(.post, try path("/exec", id: id, "/resize"), deadline: deadline)
        request.add("h", String(height))
        request.add("w", String(width))
        try await send(request)
    }
}
