public import BackEnd
public import CNI
public import DockerEngine
public import DockerLogs
public import Logging
public import Runtime
internal import Synchronization

/// Pods on Docker, dockershim's way: a pause container for each sandbox, containers that join its namespaces, CNI for
/// the network, Docker's labels as the only truth about what is whose.
///
/// A call `X` of ``ContainerRuntime`` is in `DockerRuntime+Sandboxes`, `+SandboxEnd`, `+Containers`, `+Exec`,
/// `+Images` or `+Node`; what keeps the ``World`` is in `Watching/`.
public final class DockerRuntime: ContainerRuntime {
    /// Everything that Docker has of pods, and its images.
    public let world: World

    let engine: DockerEngine
    let settings: DockerSettings
    /// The CNI client; nil when Docker's own bridge is the network.
    let network: PodNetwork?
    let logs: LogManager
    let logger: Logger
    /// NRI plugins; nil without.
    let hooks: PluginHooks?
    /// Containers that plugins have yet to agree to, by Docker name: nobody sees them.
    let hidden = Mutex<Set<String>>([])
    let checkpoints: CheckpointStore
    let starting: StartingSandboxes
    let limits: LimitsStore
    let volumes: ImageVolumes
    let operations = Operations()
    let refreshes = Refreshes()
    let execExits = ExecExits()
    let streams = LiveStreams()
    let usage = DiskUsage()
    /// Sandboxes that failed or vanished and could not be undone then, by id.
    let unfinished = Mutex<Set<String>>([])
    let connection = Mutex(Connection.never)
    /// When everything was last read and compared.
    let reconciled = Mutex<ContinuousClock.Instant?>(nil)

    /// What is known of the daemon.
    enum Connection: Sendable {
        case never
        case up(NodeFacts)
        case down(NodeFacts?, reason: String)

        /// The last facts, however old.
        var lastFacts: NodeFacts? {
            switch self {
            case .never: nil
            case .up(let facts): facts
            case .down(let facts, _): facts
            }
        }
    }

    /// A back end on `engine`; ``run()`` fills and keeps its World, which may be a part of another.
    ///
    /// Throws when the state directories cannot be made.
    public init(
        world: World = World(), engine: DockerEngine, network: PodNetwork?, settings: DockerSettings,
        hooks: PluginHooks? = nil, logger: Logger
    ) throws {
        self.world = world
        self.engine = engine
        self.hooks = hooks
        self.network = network
        self.settings = settings
        self.logger = logger
        checkpoints = CheckpointStore(root: settings.rootDirectory, adopting: settings.adoptedRoots)
        starting = try StartingSandboxes(root: settings.rootDirectory)
        limits = LimitsStore(root: settings.rootDirectory)
        volumes = ImageVolumes(directory: "\(settings.stateDirectory)/image-volumes")
        logs = try LogManager(stateDirectory: "\(settings.rootDirectory)/logs", logger: logger)
        hooks?.attach(self)
    }

    /// Whether Docker answers.
    public var isConnected: Bool {
        if case .up = connection.withLock({ $0 }) { true } else { false }
    }

    /// Time since everything was last read from Docker and compared; nil before the first time.
    public var reconcileAge: Duration? { reconciled.withLock { $0 }.map { $0.duration(to: .now) } }

    /// What the followers of container logs have done.
    public var logStatistics: LogStatistics { logs.statistics }

    /// The facts of the daemon we are connected to. Throws Unavailable when there is none.
    func node() throws -> NodeFacts {
        switch connection.withLock({ $0 }) {
        case .up(let facts): return facts
        case .never: throw RuntimeError(.unavailable, "Docker has not answered yet")
        case .down(_, let reason): throw RuntimeError(.unavailable, "Docker does not answer: \(reason)")
        }
    }
}
