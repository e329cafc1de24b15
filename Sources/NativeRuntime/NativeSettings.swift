/// What an operator decides about pods without Docker.
public struct NativeSettings: Sendable {
    /// Objects, images and the CNI journal; survives a reboot.
    public var rootDirectory = "/var/lib/fender"
    /// What dies with the host: namespaces, mounts, the executor's state.
    public var stateDirectory = "/run/fender"
    /// The program that carries out the executor's plans.
    public var monitor = "/usr/libexec/fender/fender-monitor"
    /// Where relative seccomp references are looked up.
    public var seccompRoot = "/var/lib/kubelet/seccomp"
    /// OCI runtimes that make containers in the executor's place, by runtime handler.
    public var handlers: [String: String] = [:]
    /// Where registries are described, in containerd's form; empty for nowhere.
    public var registryDirectory = "/etc/fender/certs.d"
    /// Whether the kubelet is told to let systemd manage pods' cgroups.
    public var usesSystemdCgroups = false

    /// The defaults.
    public init() {}

    var nativeRoot: String { "\(rootDirectory)/native" }
    var nativeState: String { "\(stateDirectory)/native" }
}
