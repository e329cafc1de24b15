internal import BackEnd
internal import CRI
internal import DockerEngine
internal import Runtime
internal import Security

/// What a CRI sandbox becomes a Docker container from: the pause container, dockershim's way.
struct SandboxSpec {
    var config: PodSandboxConfig
    var handler: String
    var imageID: String
    var imageLabels: [String: String]
    var node: NodeFacts
    var settings: DockerSettings

    var name: String { DockerName.sandbox(config.metadata) }
    private var security: LinuxSandboxSecurityContext { config.linux.securityContext }
    private var usesHostNetwork: Bool { security.namespaceOptions.network == .node }

    func request() throws -> Docker.ContainerCreateRequest {
        var container = Docker.ContainerConfig()
        container.Image = imageID
        container.Hostname = config.hostname.isEmpty || usesHostNetwork ? nil : config.hostname
        container.Labels = labels()
        container.User = user
        container.Healthcheck = Docker.HealthConfig.none
        if settings.network == .bridge { container.ExposedPorts = exposedPorts }
        return Docker.ContainerCreateRequest(config: container, HostConfig: try hostConfig())
    }

    private var user: String? {
        guard security.hasRunAsUser else { return nil }
        let uid = security.runAsUser.value
        return security.hasRunAsGroup ? "\(uid):\(security.runAsGroup.value)" : "\(uid)"
    }

    private func labels() -> [String: String] {
        var labels = DockerLabel.encode(
            labels: config.labels, annotations: config.annotations, reserving: DockerLabel.containerName)
        let foreign = imageLabels.keys.filter { labels[$0] == nil }.sorted()
        if !imageLabels.isEmpty { labels[DockerLabel.foreign] = foreign.joined(separator: "\n") }
        labels[DockerLabel.type] = DockerLabel.sandboxType
        labels[DockerLabel.containerName] = DockerName.sandboxContainerName
        labels[DockerLabel.handler] = handler
        if let metadata = MetadataLabel.encode(config.metadata) { labels[DockerLabel.metadata] = metadata }
        return labels
    }

    private func hostConfig() throws -> Docker.HostConfig {
        var host = Docker.HostConfig()
        let options = security.namespaceOptions
        host.NetworkMode = usesHostNetwork ? "host" : settings.network == .cni ? "none" : "default"
        host.UTSMode = usesHostNetwork ? "host" : nil
        host.IpcMode = options.ipc == .node ? "host" : "shareable"
        host.PidMode = options.pid == .node ? "host" : nil
        host.CgroupParent = node.cgroupParent(config.linux.cgroupParent)
        host.Runtime = handler.isEmpty ? nil : handler
        host.RestartPolicy = Docker.RestartPolicy(Name: "no")
        host.LogConfig = settings.logConfig
        host.ShmSize = 64 << 20
        host.CpuShares = 2
        host.OomScoreAdj = node.oomScore(-998)
        host.Privileged = security.privileged
        host.ReadonlyRootfs = security.readonlyRootfs
        host.GroupAdd =
            security.supplementalGroups.isEmpty ? nil : security.supplementalGroups.map(String.init)
        host.Sysctls = try sysctls()
        host.SecurityOpt = try securityOptions()
        if settings.network == .bridge && !usesHostNetwork { host.PortBindings = portBindings }
        return host
    }

    private func sysctls() throws -> [String: String]? {
        if config.linux.sysctls.isEmpty { return nil }
        return try invalid {
            try Sysctls.validate(
                config.linux.sysctls, hostNetwork: usesHostNetwork,
                hostIPC: security.namespaceOptions.ipc == .node)
        }
    }

    private func securityOptions() throws -> [String] {
        // The pause program needs no new privileges, whatever the pod does.
        var options = security.privileged ? [] : ["no-new-privileges"]
        if security.hasSelinuxOptions { options += try security.selinuxOptions.dockerOptions() }
        let seccomp = try invalid {
            try Security.SecurityProfile.seccomp(
                kind: security.hasSeccomp ? security.seccomp.profileType.rawValue : nil,
                localhostRef: security.seccomp.localhostRef, deprecated: security.seccompProfilePath,
                privileged: security.privileged)
        }
        // As with dockershim the pause program keeps Docker's profile unless a file is named.
        if case .localhost = seccomp {
            options += try invalid {
                try SeccompProfiles(root: settings.seccompRoot).dockerOption(for: seccomp).map { [$0] } ?? []
            }
        }
        return options
    }

    private var exposedPorts: [String: Docker.EmptyObject] {
        Dictionary(config.portMappings.map { (Self.key($0), .init()) }, uniquingKeysWith: { first, _ in first })
    }

    private var portBindings: [String: [Docker.PortBinding]?] {
        var bindings: [String: [Docker.PortBinding]?] = [:]
        for mapping in config.portMappings where mapping.hostPort > 0 {
            let binding = Docker.PortBinding(HostIp: mapping.hostIp, HostPort: String(mapping.hostPort))
            bindings[Self.key(mapping), default: []]?.append(binding)
        }
        return bindings
    }

    private static func key(_ mapping: CRI.PortMapping) -> String {
        "\(mapping.containerPort)/\(mapping.protocol.networkName)"
    }
}

extension DockerSettings {
    /// Docker's json-file with a rotation of its own, which the follower reads behind.
    var logConfig: Docker.LogConfig {
        Docker.LogConfig(
            Type: "json-file", Config: ["max-size": String(sourceLogBytes), "max-file": String(sourceLogFiles)])
    }
}
