internal import CRI
public import Runtime

/// Pods on Docker and without it on one node, through one socket, so that a node can move pod by pod.
///
/// The handler that `RunPodSandbox` names decides where a pod goes; after that each call goes where its pod is. Images
/// that Docker has count for native pods too: they are taken over when a container needs them. A call `X` of
/// ``ContainerRuntime`` is in `MixedRuntime+Pods`, `+Images` or `+Node`.
public final class MixedRuntime: ContainerRuntime {
    /// Everything that both parts have.
    public let world: World

    let docker: any DockerPart
    let native: any NativePart
    let defaultPart: DefaultPart

    /// The runtime over two parts, whose Worlds were made as parts of `world`, Docker's first.
    public init(world: World, docker: any DockerPart, native: any NativePart, defaultPart: DefaultPart) {
        self.world = world
        self.docker = docker
        self.native = native
        self.defaultPart = defaultPart
    }

    /// Fills the World and keeps it until cancelled.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.docker.run() }
            group.addTask { await self.native.run() }
        }
    }

    /// The part that a runtime handler belongs to; the empty one is the default part's.
    func part(for handler: String) -> any PodBackEnd {
        isNative(handler) ? native : docker
    }

    func isNative(_ handler: String) -> Bool {
        handler.isEmpty ? defaultPart == .native : native.handlerNames.contains(handler)
    }

    /// The part that has a sandbox or container.
    func part(of sandbox: SandboxRecord) -> any PodBackEnd { isNative(sandbox) ? native : docker }
    func part(of container: ContainerRecord) -> any PodBackEnd { part(withContainer: container.id) }

    func part(withContainer id: String) -> any PodBackEnd {
        native.world.container(id) == nil ? docker : native
    }

    func isNative(_ sandbox: SandboxRecord) -> Bool { native.world.sandbox(sandbox.id) != nil }
}
