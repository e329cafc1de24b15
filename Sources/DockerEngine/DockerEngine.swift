public import Logging
internal import Synchronization

/// A client of the Docker Engine API, versions 1.41 to 1.52.
///
/// One thread drives every request (libcurl's multi interface), one more drives hijacked streams. Connections are
/// kept and reused. Every call throws ``DockerError``, or `CancellationError` when its task is cancelled, which also
/// aborts the transfer. The API version is negotiated before the first call and again whenever the daemon was away or
/// answers as another version.
public final class DockerEngine: Sendable {
    /// Where the daemon listens.
    public let endpoint: DockerEndpoint
    /// How long a call may take where its caller says nothing.
    public static let defaultDeadline: Duration = .seconds(120)

    let logger: Logger
    /// Told of each exchange; see ``Exchange``.
    let observer: (@Sendable (Exchange) -> Void)?
    let curl: CurlLoop
    let hijacks: HijackLoop
    let negotiation = Mutex(Negotiation())

    /// A client for the daemon at `endpoint`; nothing is sent before the first call.
    ///
    /// Throws ``DockerError`` or `SystemError` when a thread or the library's state cannot be made.
    public init(
        endpoint: DockerEndpoint = .standard, logger: Logger = Logger(label: "fender.docker-engine"),
        observer: (@Sendable (Exchange) -> Void)? = nil
    ) throws {
        self.endpoint = endpoint
        self.logger = logger
        self.observer = observer
        curl = try CurlLoop(endpoint: endpoint)
        hijacks = try HijackLoop()
    }

    deinit {
        close()
    }

    /// Ends every call and stream with ``DockerError/Kind/unavailable`` and stops the threads; calls made later fail
    /// alike.
    public func close() {
        curl.stop()
        hijacks.stop()
    }
}
