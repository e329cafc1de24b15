internal import CRI
internal import DockerEngine
internal import Runtime

/// A sandbox as Docker's inspection of its pause container shows it; the labels are the truth.
struct SandboxReading {
    var inspection: Docker.ContainerInspectResponse
    var addresses: [String]
    /// Whether the network was set up to its end; without it a running pause container is not READY.
    var isComplete: Bool

    /// The record; nil when the name and labels are no sandbox's.
    func record() -> SandboxRecord? {
        let labels = inspection.Config.Labels ?? [:]
        guard
            let metadata = MetadataLabel.sandbox(label: labels[DockerLabel.metadata], name: inspection.Name)
        else { return nil }
        let decoded = DockerLabel.decode(labels, reserving: DockerLabel.containerName)
        var status = PodSandboxStatus()
        status.id = inspection.Id
        status.metadata = metadata
        status.createdAt = nanoseconds(inspection.Created)
        status.labels = decoded.labels
        status.annotations = decoded.annotations
        // Dockershim had no label for it; cri-dockerd takes what Docker says, and so do containers that join.
        status.runtimeHandler = labels[DockerLabel.handler] ?? inspection.HostConfig.Runtime ?? ""
        status.linux.namespaces.options = namespaceOptions
        if let first = addresses.first {
            status.network.ip = first
            status.network.additionalIps = addresses.dropFirst().map { address in
                var ip = PodIP()
                ip.ip = address
                return ip
            }
        }
        let running = inspection.State.Running && !inspection.State.Restarting
        let connected = usesHostNetwork || !addresses.isEmpty
        status.state = running && isComplete && connected ? .sandboxReady : .sandboxNotready
        return SandboxRecord(
            status: status, pid: running ? Int32(clamping: inspection.State.Pid) : 0,
            netns: running && !usesHostNetwork ? "/proc/\(inspection.State.Pid)/ns/net" : "",
            cgroupParent: inspection.HostConfig.CgroupParent ?? "")
    }

    private var usesHostNetwork: Bool { inspection.HostConfig.NetworkMode == "host" }

    private var namespaceOptions: NamespaceOption {
        var options = NamespaceOption()
        options.network = usesHostNetwork ? .node : .pod
        options.ipc = inspection.HostConfig.IpcMode == "host" ? .node : .pod
        // Whether containers share a process namespace is theirs to say; a sandbox knows the host's only.
        options.pid = inspection.HostConfig.PidMode == "host" ? .node : .container
        return options
    }
}
