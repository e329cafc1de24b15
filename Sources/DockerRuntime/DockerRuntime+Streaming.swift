internal import BackEnd
internal import CRI
internal import DockerEngine
internal import Glibc
internal import Linux
internal import Runtime
public import Streaming

/// What the streaming server asks for: `Exec`, `Attach` and `PortForward` once their client has come.
extension DockerRuntime: StreamingRuntime {
    /// Keys that nobody types, for Docker to detach at.
    ///
    /// By default Docker keeps a ctrl-p to itself until the next key, and after ctrl-p, ctrl-q leaves the process without
    /// its client. It cannot be told to watch for nothing, so that one key is still held until the next: one that shells
    /// and editors hardly use.
    private static let detachKeys = Array(repeating: "ctrl-^,ctrl-@", count: 8).joined(separator: ",")

    /// Starts an exec whose streams are the client's.
    public func exec(_ request: ExecStreamRequest) async throws -> any StreamedProcess {
        try await doing("exec in container \(request.containerID)") {
            var config = Docker.ExecConfig(Cmd: request.command)
            config.Tty = request.streams.tty
            config.AttachStdin = request.streams.stdin
            config.AttachStdout = request.streams.stdout
            config.AttachStderr = request.streams.stderr
            config.DetachKeys = Self.detachKeys
            // A client that goes meanwhile must not stop it half way: Docker keeps an exec that is never started.
            let start = Task { [config] in
                let exec = try await engine.createExec(container: request.containerID, config)
                do {
                    let stream = try await engine.startExec(exec, tty: request.streams.tty)
                    streams.add(stream, of: request.containerID)
                    return DockerExecStream(exec: exec, container: request.containerID, runtime: self, stream: stream)
                } catch {
                    // Docker may start it all the same, with nobody at its streams; the client need not wait for that.
                    Task { await kill(exec) }
                    throw error
                }
            }
            return try await start.value
        }
    }

    /// Connects to a running container; whether there is a terminal is the container's to say.
    public func attach(_ request: AttachStreamRequest) async throws -> any StreamedProcess {
        guard let container = world.container(request.containerID) else {
            throw RuntimeError(.notFound, "container \(request.containerID): not found")
        }
        return try await doing("attach to container \(container.id)") {
            let stream = try await engine.attachContainer(
                container.id, stdin: request.streams.stdin && container.stdin, stdout: request.streams.stdout,
                stderr: request.streams.stderr, tty: container.tty, detachKeys: Self.detachKeys)
            streams.add(stream, of: container.id)
            return DockerAttachStream(container: container.id, runtime: self, stream: stream)
        }
    }

    /// A connected socket to a port on the sandbox's loopback, IPv4 before IPv6.
    public func connect(sandboxID: String, port: UInt16) async throws -> CInt {
        try await world.connect(sandboxID: sandboxID, port: port)
    }
}

/// An exec that a client is connected to.
private struct DockerExecStream: StreamedProcess {
    let exec: String
    let container: String
    let runtime: DockerRuntime
    let stream: HijackedStream

    func read() async throws -> (OutputStream, [UInt8])? { try await stream.nextOutput() }
    func write(_ bytes: [UInt8]) async throws { try await stream.write(bytes) }
    func closeInput() async throws { stream.closeWrite() }

    func resize(width: UInt16, height: UInt16) async throws {
        try await runtime.engine.resizeExec(exec, height: Int(height), width: Int(width))
    }

    func exitCode() async throws -> Int32? { Int32(truncatingIfNeeded: try await runtime.exitCode(of: exec)) }

    func close(clientIsGone: Bool) async {
        runtime.streams.close(stream, of: container)
        guard clientIsGone else { return }
        // The client's task is cancelled; the kill must not be.
        await Task { await runtime.kill(exec) }.value
    }
}

/// A container's own process that a client is connected to.
private struct DockerAttachStream: StreamedProcess {
    let container: String
    let runtime: DockerRuntime
    let stream: HijackedStream

    func read() async throws -> (OutputStream, [UInt8])? { try await stream.nextOutput() }
    func write(_ bytes: [UInt8]) async throws { try await stream.write(bytes) }
    func closeInput() async throws { stream.closeWrite() }

    func resize(width: UInt16, height: UInt16) async throws {
        try await runtime.engine.resizeContainer(container, height: Int(height), width: Int(width))
    }

    func exitCode() async throws -> Int32? { nil }
    func close(clientIsGone: Bool) async { runtime.streams.close(stream, of: container) }
}

extension HijackedStream {
    /// The next piece of output; Docker's own errors in the stream count as stderr.
    fileprivate func nextOutput() async throws -> (OutputStream, [UInt8])? {
        guard let frame = try await next() else { return nil }
        return (frame.stream == .stdout ? .stdout : .stderr, frame.bytes)
    }
}
