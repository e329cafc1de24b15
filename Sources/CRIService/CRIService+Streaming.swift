internal import CRI
internal import Runtime
internal import Streaming

/// `Exec`, `Attach` and `PortForward`: each answers a URL under which the streaming server waits for the client.
extension CRIService {
    func addStreaming(to table: inout MethodTable) {
        guard let streaming else { return }
        table.unary(.runtime, "Exec") { (request: ExecRequest) in
            let container = try running(request.containerID)
            try require(!request.cmd.isEmpty, "cmd: must not be empty")
            let streams = StreamSet(
                stdin: request.stdin, stdout: request.stdout, stderr: request.stderr, tty: request.tty)
            try check(streams)
            var response = ExecResponse()
            response.url = try url(
                streaming.url(for: ExecStreamRequest(containerID: container.id, command: request.cmd, streams: streams))
            )
            return response
        }
        table.unary(.runtime, "Attach") { (request: AttachRequest) in
            let container = try running(request.containerID)
            let streams = StreamSet(
                stdin: request.stdin, stdout: request.stdout, stderr: request.stderr, tty: request.tty)
            try check(streams)
            var response = AttachResponse()
            response.url = try url(
                streaming.url(for: AttachStreamRequest(containerID: container.id, streams: streams)))
            return response
        }
        table.unary(.runtime, "PortForward") { (request: PortForwardRequest) in
            let sandbox = try sandbox(request.podSandboxID)
            guard sandbox.status.state == .sandboxReady else {
                throw RuntimeError(.failedPrecondition, "sandbox \(sandbox.id): not ready")
            }
            let ports = try request.port.map { port in
                guard let port = UInt16(exactly: port), port > 0 else {
                    throw RuntimeError(.invalidArgument, "port \(port): outside 1 to 65535")
                }
                return port
            }
            var response = PortForwardResponse()
            response.url = try url(streaming.url(forPorts: ports, of: sandbox.id))
            return response
        }
    }

    private func running(_ id: String) throws -> ContainerRecord {
        let container = try container(id)
        guard container.status.state == .containerRunning else {
            throw RuntimeError(.failedPrecondition, "container \(container.id): not running")
        }
        return container
    }

    private func check(_ streams: StreamSet) throws {
        try require(!(streams.tty && streams.stderr), "tty and stderr exclude each other")
        try require(
            streams.stdin || streams.stdout || streams.stderr, "one of stdin, stdout and stderr must be set")
    }

    private func url(_ url: String?) throws -> String {
        guard let url else {
            throw RuntimeError(.resourceExhausted, "too many streaming requests wait for their client")
        }
        return url
    }
}
