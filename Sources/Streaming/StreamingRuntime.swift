/// What the streaming server asks of a back end; the same for pods on Docker and native ones.
public protocol StreamingRuntime: Sendable {
    /// Starts a command in a container.
    func exec(_ request: ExecStreamRequest) async throws -> any StreamedProcess
    /// Connects to the streams of a container's own process.
    func attach(_ request: AttachStreamRequest) async throws -> any StreamedProcess
    /// Connects to a TCP port on the loopback of a sandbox's network; the descriptor is the caller's.
    func connect(sandboxID: String, port: UInt16) async throws -> CInt
}

/// A checked `ExecRequest` of the CRI.
public struct ExecStreamRequest: Sendable, Equatable {
    /// The container's full id.
    public var containerID: String
    /// Program and arguments.
    public var command: [String]
    /// Which streams the client has; with a terminal there is no stderr.
    public var streams: StreamSet

    /// A request.
    public init(containerID: String, command: [String], streams: StreamSet) {
        self.containerID = containerID
        self.command = command
        self.streams = streams
    }
}

/// A checked `AttachRequest` of the CRI.
public struct AttachStreamRequest: Sendable, Equatable {
    /// The container's full id.
    public var containerID: String
    /// Which streams the client has; with a terminal there is no stderr.
    public var streams: StreamSet

    /// A request.
    public init(containerID: String, streams: StreamSet) {
        self.containerID = containerID
        self.streams = streams
    }
}

/// The streams of a remote command.
public struct StreamSet: Sendable, Equatable {
    /// The client sends input.
    public var stdin: Bool
    /// The client takes output.
    public var stdout: Bool
    /// The client takes errors.
    public var stderr: Bool
    /// There is a terminal.
    public var tty: Bool

    /// A set of streams.
    public init(stdin: Bool, stdout: Bool, stderr: Bool, tty: Bool) {
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.tty = tty
    }
}

/// Where a piece of output came from.
public enum OutputStream: Sendable {
    /// Standard output, or the terminal.
    case stdout
    /// Standard error.
    case stderr
}

/// A process that a client is connected to. One task reads, another may write and resize.
public protocol StreamedProcess: Sendable {
    /// The next piece of output; nil when both outputs have ended.
    func read() async throws -> (OutputStream, [UInt8])?
    /// Sends input; waits while the process does not take it.
    func write(_ bytes: [UInt8]) async throws
    /// The client has no more input.
    func closeInput() async throws
    /// Sets the terminal's size in characters.
    func resize(width: UInt16, height: UInt16) async throws
    /// How the command ended, once the output has; nil for an attachment, whose process goes on.
    func exitCode() async throws -> Int32?
    /// The client is gone: ends an exec's process, leaves a container's alone. Releases everything; the last call.
    func close(clientIsGone: Bool) async
}
