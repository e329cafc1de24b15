internal import Linux

/// What runs the pods.
public enum BackEndChoice: String, Sendable, CaseIterable {
    /// Docker where it answers at the start, or where the node is known to have it; else Fender itself.
    case auto
    /// Docker, also while it does not answer.
    case docker
    /// Fender's own executor and image store.
    case native
}

/// Where pods without a runtime handler go when there are both back ends.
public enum DefaultBackEnd: String, Sendable, CaseIterable {
    /// Docker.
    case docker
    /// Fender's own executor and image store.
    case native
}

/// Who manages the cgroups of pods without Docker.
public enum CgroupDriverChoice: String, Sendable, CaseIterable {
    /// systemd where it runs.
    case auto
    /// The kubelet and Fender themselves.
    case cgroupfs
    /// systemd, by units.
    case systemd
}

extension LoadedConfiguration {
    /// The back end that the settings and this machine ask for; never ``BackEndChoice/auto``.
    public var backEnd: BackEndChoice { values.backEnd(isDockerNamed: origins["docker-endpoint"] != nil) }
}

extension FenderConfiguration {
    /// A node whose settings name Docker, or that has pods on it, keeps it while it is away: at a boot it may come late.
    func backEnd(isDockerNamed: Bool) -> BackEndChoice {
        guard runtime == .auto else { return runtime }
        guard !isDockerNamed, case .unix(let path) = dockerEndpoint else { return .docker }
        let roots = [rootDirectory] + adoptRootDirectories
        let hasPods = roots.contains { !((try? Files.names(in: "\($0)/sandbox")) ?? []).isEmpty }
        return hasPods || Self.answers(path) ? .docker : .native
    }

    /// Whether the kubelet is told that systemd manages cgroups (sd_booted(3)).
    public var usesSystemdCgroups: Bool {
        cgroupDriver == .auto ? Files.exists("/run/systemd/system") : cgroupDriver == .systemd
    }

    private static func answers(_ path: String) -> Bool { (try? UnixSocket.connect(to: path)) != nil }
}
