public import CRI

/// What a back end does; the other half of the CRI, lists and statuses, is answered from its ``World``.
///
/// Arguments are validated by the service: ids are those of existing records, configs have their metadata.
/// Every method throws ``RuntimeError`` or `CancellationError`.
public protocol ContainerRuntime: Sendable {
    /// Everything that exists now.
    var world: World { get }

    /// Fills the World and keeps it until cancelled.
    func run() async

    /// Names and versions; `Version`.
    func version() async throws -> VersionResponse
    /// Conditions, handlers and features; never fails because the engine is down. `info` is filled when `verbose`.
    func status(verbose: Bool) async throws -> StatusResponse
    /// The cgroup driver; `RuntimeConfig`.
    func runtimeConfig() async throws -> RuntimeConfigResponse
    /// Takes the pod CIDR; `UpdateRuntimeConfig`.
    func updateRuntimeConfig(_ config: CRI.RuntimeConfig) async throws

    /// Makes a sandbox that is READY on return and answers its id; a repeated request gets the same sandbox.
    func runPodSandbox(_ config: PodSandboxConfig, handler: String) async throws -> String
    /// Kills what runs in the sandbox and releases its network; may be repeated.
    func stopPodSandbox(_ sandbox: SandboxRecord) async throws
    /// Removes the sandbox and the containers in it.
    func removePodSandbox(_ sandbox: SandboxRecord) async throws
    /// Hears of the resources that a pod gets; the kubelet has set the pod's cgroup before.
    func updatePodSandboxResources(
        _ sandbox: SandboxRecord, overhead: LinuxContainerResources, resources: LinuxContainerResources
    ) async throws
    /// What only a verbose `PodSandboxStatus` shows, as JSON by name.
    func info(of sandbox: SandboxRecord) async throws -> [String: String]

    /// Creates a container in the sandbox and answers its id.
    func createContainer(
        in sandbox: SandboxRecord, _ config: ContainerConfig, sandboxConfig: PodSandboxConfig
    ) async throws -> String
    /// Starts a created container.
    func startContainer(_ container: ContainerRecord) async throws
    /// Stops with a grace period of `timeout` seconds, 0 for at once; may be repeated.
    func stopContainer(_ container: ContainerRecord, timeout: Int64) async throws
    /// Removes, running or not.
    func removeContainer(_ container: ContainerRecord) async throws
    /// Applies new limits or leaves all as they were.
    func updateContainerResources(
        _ container: ContainerRecord, _ resources: LinuxContainerResources
    ) async throws
    /// Goes on with a new file after the log was renamed.
    func reopenContainerLog(_ container: ContainerRecord) async throws
    /// Runs a command to its end; `timeout` in seconds, 0 for none.
    func execSync(_ container: ContainerRecord, command: [String], timeout: Int64) async throws -> ExecSyncResponse
    /// What only a verbose `ContainerStatus` shows, as JSON by name.
    func info(of container: ContainerRecord) async throws -> [String: String]

    /// The image that a request means.
    func image(_ spec: ImageSpec) -> ImageRecord?
    /// Pulls and answers the image id.
    func pullImage(_ image: ImageSpec, auth: AuthConfig?, sandboxConfig: PodSandboxConfig?) async throws -> String
    /// Removes the image with all its tags.
    func removeImage(_ image: ImageRecord) async throws
    /// What only a verbose `ImageStatus` shows, as JSON by name.
    func info(of image: ImageRecord) async throws -> [String: String]
    /// Usage of the file systems that hold images and containers.
    func imageFsInfo() async throws -> ImageFsInfoResponse
}

extension ContainerRuntime {
    /// What the World knows by that name.
    public func image(_ spec: ImageSpec) -> ImageRecord? { world.image(spec.image) }

    /// Does nothing: there is more to do for runtimes with machines and for plugins.
    public func updatePodSandboxResources(
        _ sandbox: SandboxRecord, overhead: LinuxContainerResources, resources: LinuxContainerResources
    ) async throws {}
}
