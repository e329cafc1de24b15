/// What an operator decides about pods on Docker.
public struct DockerSettings: Sendable {
    /// How pods get their network.
    public enum Network: Sendable {
        /// Docker's `none`, and CNI plugins in its namespace.
        case cni
        /// Docker's own bridge, as dockershim's no-op plugin had it.
        case bridge
    }

    /// How Docker's logs reach the CRI path.
    public enum Logs: Sendable {
        /// Fender writes the CRI format.
        case cri
        /// A link to Docker's json-file, dockershim's way.
        case symlink
    }

    /// Checkpoints, log positions and the CNI journal; survives a reboot.
    public var rootDirectory = "/var/lib/fender"
    /// What dies with the host: mounts of image volumes.
    public var stateDirectory = "/run/fender"
    /// Roots of dockershim and cri-dockerd whose checkpoints are read and cleaned up.
    public var adoptedRoots = ["/var/lib/dockershim", "/var/lib/cri-dockerd"]
    /// The image of sandboxes' infra containers; nil for the built-in one.
    public var infraImage: String?
    /// How pods get their network.
    public var network = Network.cni
    /// How Docker's logs reach the CRI path.
    public var logs = Logs.cri
    /// Docker's own rotation: bytes a file.
    public var sourceLogBytes = 32 << 20
    /// Docker's own rotation: files kept.
    public var sourceLogFiles = 3
    /// How long a pull may go without any progress.
    public var pullProgressDeadline = Duration.seconds(60)
    /// Where relative seccomp references are looked up.
    public var seccompRoot = "/var/lib/kubelet/seccomp"
    /// Dual-stack pod addresses even where the CNI result names one family only.
    public var dualStack = true

    /// The defaults.
    public init() {}
}
