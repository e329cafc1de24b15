internal import BackEnd
internal import CRI
internal import DockerEngine
internal import Runtime
internal import Security

/// Everything a CRI container becomes a Docker container from. Nothing here does I/O but reading seccomp profiles.
struct ContainerSpec {
    var sandbox: SandboxRecord
    var config: ContainerConfig
    var logDirectory: String
    var image: ImageRecord
    var node: NodeFacts
    var settings: DockerSettings
    /// The user and groups to ask Docker for, resolved beforehand where the image has to be looked into.
    var identity: ContainerIdentity
    /// The full id of the container whose pid namespace is joined (`TARGET`).
    var targetID = ""
    /// Image volumes by their index among the mounts: directories that Fender has mounted.
    var imageVolumes: [Int: String] = [:]
    /// What CDI specifications add where Docker cannot read them itself.
    var cdi = CDIAdditions()
    /// What NRI plugins want beyond what the CRI has words for.
    var plugins = PluginAdditions()

    var security: LinuxContainerSecurityContext { config.linux.securityContext }
    var name: String { DockerName.container(config.metadata, in: sandbox.status.metadata) }

    /// The CRI log path: the sandbox's directory and the container's path below it; empty for none.
    var logPath: String { config.logPath.isEmpty ? "" : "\(logDirectory)/\(config.logPath)" }

    func request() throws -> Docker.ContainerCreateRequest {
        var container = Docker.ContainerConfig()
        container.Image = image.id
        container.Entrypoint = config.command.isEmpty ? nil : config.command
        container.Cmd = config.args.isEmpty ? nil : config.args
        container.Env = try environment() + cdi.environment + plugins.removedEnvironment
        container.WorkingDir = config.workingDir.isEmpty ? nil : config.workingDir
        container.OpenStdin = config.stdin
        container.StdinOnce = config.stdinOnce
        container.Tty = config.tty
        container.User = identity.user
        container.Healthcheck = Docker.HealthConfig.none
        container.Labels = try labels()
        container.StopSignal = StopSignal.name(of: config.stopSignal)
        return Docker.ContainerCreateRequest(config: container, HostConfig: try hostConfig())
    }

    private func hostConfig() throws -> Docker.HostConfig {
        var host = Docker.HostConfig()
        host.RestartPolicy = Docker.RestartPolicy(Name: "no")
        host.ShmSize = 64 << 20
        host.LogConfig = settings.logConfig
        host.CgroupParent = sandbox.cgroupParent.isEmpty ? nil : sandbox.cgroupParent
        host.Runtime = sandbox.status.runtimeHandler.isEmpty ? nil : sandbox.status.runtimeHandler
        host.GroupAdd = identity.groups.isEmpty ? nil : identity.groups
        setNamespaces(&host)
        try setSecurity(&host)
        try setMounts(&host)
        try setDevices(&host)
        setResources(&host)
        plugins.apply(to: &host)
        return host
    }

    private func setNamespaces(_ host: inout Docker.HostConfig) {
        let options = security.namespaceOptions
        host.NetworkMode = "container:\(sandbox.id)"
        host.IpcMode = options.ipc == .node ? "host" : "container:\(sandbox.id)"
        host.UTSMode = sandbox.usesHostNetwork ? "host" : nil
        switch options.pid {
        case .pod: host.PidMode = "container:\(sandbox.id)"
        case .node: host.PidMode = "host"
        case .target: host.PidMode = "container:\(targetID)"
        default: host.PidMode = nil
        }
    }

    private func environment() throws -> [String] {
        try config.envs.map { env in
            guard let value = String(validating: env.value, as: UTF8.self), !value.utf8.contains(0),
                !env.key.contains("=")
            else { throw RuntimeError(.invalidArgument, "env \(env.key): not a name and a UTF-8 value") }
            return "\(env.key)=\(value)"
        }
    }

    private func labels() throws -> [String: String] {
        var labels = DockerLabel.encode(labels: config.labels, annotations: config.annotations)
        let foreign = image.labels.keys.filter { labels[$0] == nil }.sorted()
        if !image.labels.isEmpty { labels[DockerLabel.foreign] = foreign.joined(separator: "\n") }
        labels[DockerLabel.type] = DockerLabel.containerType
        labels[DockerLabel.sandboxID] = sandbox.id
        labels[DockerLabel.logPath] = logPath
        if let metadata = MetadataLabel.encode(config.metadata) { labels[DockerLabel.metadata] = metadata }
        let written = config.image.userSpecifiedImage
        if !written.isEmpty { labels[DockerLabel.userImage] = written }
        if let limits = LateLimits(config.linux.resources).encoded { labels[DockerLabel.limits] = limits }
        if let annotations = plugins.annotationsLabel { labels[DockerLabel.pluginAnnotations] = annotations }
        if let mounts = try MountsLabel.encode(config.mounts) { labels[DockerLabel.mounts] = mounts }
        return labels
    }
}

/// Who the container's process is, in Docker's terms.
struct ContainerIdentity: Equatable {
    /// `Config.User`: `name`, `uid`, `uid:gid`; nil for the image's.
    var user: String?
    /// `HostConfig.GroupAdd`.
    var groups: [String] = []
}

/// Edits of Container Device Interface specifications.
struct CDIAdditions {
    var environment: [String] = []
    var mounts: [Docker.Mount] = []
    var devices: [Docker.DeviceMapping] = []
}
