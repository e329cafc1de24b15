public import BackEnd
public import CNI
internal import CRI
internal import Executor
internal import Images
internal import Linux
public import Logging
internal import Pause
public import Runtime
internal import Synchronization

/// Pods without Docker: pinned namespaces, the built-in OCI executor and image store.
///
/// A call `X` of ``ContainerRuntime`` is in `NativeRuntime+Sandboxes`, `+SandboxEnd`, `+Containers`, `+ContainerEnd`,
/// `+Exec`, `+Images` or `+Node`; what a start finds is in `NativeRuntime+Recovery`.
public final class NativeRuntime: ContainerRuntime {
    /// Everything there is.
    public let world: World

    let settings: NativeSettings
    let network: PodNetwork
    let logger: Logger
    /// NRI plugins; nil without.
    let hooks: PluginHooks?
    let sandboxes: SandboxStore
    let containers: ContainerFiles
    let images: ImageStore
    /// Why pods cannot have user namespaces of their own; nil when they can.
    let obstacleToUserNamespaces: String?
    /// What the runtimes of other handlers can do, by handler.
    let features = Mutex<[String: HandlerFeatures]>([:])
    /// Where running containers live.
    let executor: ContainerStore
    /// Waits for ends and streams.
    let loop: ReadinessLoop
    let operations = Operations()
    /// What runs, by container id.
    let lives = Lives()
    /// Sandboxes and containers that could not be undone when they failed, by id.
    let unfinished = Mutex(Unfinished())
    let warnings = Warnings()
    /// Held by who changes what is remembered of an object.
    let writing = Mutex(())

    /// A back end; ``run()`` fills and keeps its World, which may be a part of another. Throws when the state cannot
    /// be opened.
    public init(
        world: World = World(), network: PodNetwork, settings: NativeSettings, hooks: PluginHooks? = nil, logger: Logger
    ) throws {
        self.world = world
        self.network = network
        self.hooks = hooks
        self.settings = settings
        self.logger = logger
        try Files.makeDirectories(settings.nativeRoot, mode: 0o700)
        try Files.makeDirectories(settings.nativeState, mode: 0o711)
        sandboxes = SandboxStore(root: "\(settings.nativeRoot)/sandboxes")
        containers = ContainerFiles(root: "\(settings.nativeRoot)/containers")
        executor = ContainerStore(root: "\(settings.nativeState)/executor", monitor: settings.monitor)
        loop = try ReadinessLoop()
        var imageSettings = ImageStoreSettings()
        imageSettings.registryDirectory = settings.registryDirectory
        imageSettings.pinned = [PauseImage.reference]
        images = try ImageStore(
            directory: "\(settings.rootDirectory)/images", settings: imageSettings, logger: logger)
        obstacleToUserNamespaces = images.obstacleToUserNamespaces()
        if let obstacleToUserNamespaces {
            logger.info("pods have no user namespaces here", metadata: ["reason": "\(obstacleToUserNamespaces)"])
        }
        hooks?.attach(self)
    }

    func namespaces(_ sandboxID: String) -> PinnedNamespaces {
        PinnedNamespaces(directory: "\(settings.nativeState)/sandboxes/\(sandboxID)/namespaces")
    }

    func sharedMemory(_ sandboxID: String) -> String { "\(settings.nativeState)/sandboxes/\(sandboxID)/shm" }

    /// Says each warning of the executor once: what the machine cannot grant it cannot grant to anybody.
    var warn: @Sendable (String) -> Void {
        { [warnings, logger] text in if warnings.isNew(text) { logger.warning("\(text)") } }
    }
}

/// What is left to undo.
struct Unfinished: Sendable {
    var sandboxes: Set<String> = []
    var containers: Set<String> = []
}

/// Warnings that were said.
final class Warnings: Sendable {
    private let said = Mutex<Set<String>>([])

    func isNew(_ text: String) -> Bool {
        said.withLock { $0.count < 1000 && $0.insert(text).inserted }
    }
}
