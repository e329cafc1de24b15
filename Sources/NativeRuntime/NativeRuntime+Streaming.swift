internal import BackEnd
internal import Executor
internal import Linux
internal import Runtime
public import Streaming

/// What the streaming server asks for: `Exec`, `Attach` and `PortForward` once their client has come.
extension NativeRuntime: StreamingRuntime {
    /// Starts a command whose streams are the client's.
    public func exec(_ request: ExecStreamRequest) async throws -> any StreamedProcess {
        try await doing("exec in container \(request.containerID)") {
            // A client that goes meanwhile must not leave a command that nobody knows of.
            let start = Task { [self] in
                try await DedicatedThread.run { [self] in
                    var options = ExecutorContainer.SessionOptions()
                    options.stdin = request.streams.stdin
                    options.stdout = request.streams.stdout
                    options.stderr = request.streams.stderr
                    options.warn = warn
                    let session = try openSession(
                        request.containerID, request.command, terminal: request.streams.tty, options)
                    return NativeExec(streams: try SessionStreams(session, loop: loop))
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
            try await DedicatedThread.run { [self] in
                var wanted: AttachedClient.Streams = []
                if request.streams.stdin && container.stdin { wanted.insert(.stdin) }
                if request.streams.stdout { wanted.insert(.stdout) }
                if request.streams.stderr && !container.tty { wanted.insert(.stderr) }
                let running = try executor.container(container.id)
                let attachment = try running.attach(wanted)
                return NativeAttach(
                    streams: try AttachedStreams(attachment, of: running, loop: loop),
                    passesEnd: container.stdinOnce && !container.tty)
            }
        }
    }

    /// A connected socket to a port on the sandbox's loopback, IPv4 before IPv6.
    public func connect(sandboxID: String, port: UInt16) async throws -> CInt {
        try await world.connect(sandboxID: sandboxID, port: port)
    }
}
