internal import BackEnd
internal import CRI
internal import DockerEngine
internal import Runtime

/// A container as Docker's inspection shows it; the labels are the truth.
struct ContainerReading {
    var inspection: Docker.ContainerInspectResponse
    var image: ImageRecord?
    var user: LinuxContainerUser?

    private var state: Docker.ContainerState { inspection.State }
    private var labels: [String: String] { inspection.Config.Labels ?? [:] }

    /// The record; nil when the name and labels are no container's.
    func record() -> ContainerRecord? {
        guard
            let sandboxID = labels[DockerLabel.sandboxID],
            let metadata = MetadataLabel.container(label: labels[DockerLabel.metadata], name: inspection.Name)
        else { return nil }
        let decoded = DockerLabel.decode(labels)
        var status = ContainerStatus()
        status.id = inspection.Id
        status.metadata = metadata
        status.createdAt = nanoseconds(inspection.Created)
        status.labels = decoded.labels
        status.annotations = decoded.annotations
        status.logPath = labels[DockerLabel.logPath] ?? ""
        status.stopSignal = StopSignal.signal(inspection.Config.StopSignal ?? image?.stopSignal ?? "")
        status.image = imageSpec
        status.imageRef = inspection.Image
        status.imageID = inspection.Image
        status.mounts = labels[DockerLabel.mounts].flatMap(MountsLabel.decode) ?? mounts
        status.resources.linux = resources
        if let user { status.user.linux = user }
        setState(&status)
        return ContainerRecord(
            status: status, sandboxID: sandboxID, pid: state.Running ? Int32(clamping: state.Pid) : 0,
            tty: inspection.Config.Tty ?? false, stdin: inspection.Config.OpenStdin ?? false,
            stdinOnce: inspection.Config.StdinOnce ?? false, sourceLog: inspection.LogPath,
            writableLayer: writableLayer)
    }

    /// Of overlay2: `ROOT/overlay2/ID/diff`. Docker's other stores have no directory of what was written alone.
    private var writableLayer: WritableLayer? {
        guard let directory = inspection.GraphDriver.Data["UpperDir"], directory.hasPrefix("/") else { return nil }
        let storage = directory.split(separator: "/").dropLast(3)
        return WritableLayer(directory: directory, storage: "/" + storage.joined(separator: "/"))
    }

    private func setState(_ status: inout ContainerStatus) {
        status.startedAt = nanoseconds(state.StartedAt)
        status.finishedAt = nanoseconds(state.FinishedAt)
        status.exitCode = Int32(truncatingIfNeeded: state.ExitCode)
        if state.Running || state.Paused || state.Restarting {
            status.state = .containerRunning
            status.finishedAt = 0
            status.exitCode = 0
        } else if status.finishedAt != 0 {
            status.state = .containerExited
            status.reason = state.OOMKilled ? "OOMKilled" : state.ExitCode == 0 ? "Completed" : "Error"
            status.message = state.Error
        } else if state.ExitCode != 0 {
            // The runtime refused it: it never ran, and Docker gives no end either.
            status.state = .containerExited
            status.finishedAt = status.createdAt
            status.startedAt = status.createdAt
            status.reason = "ContainerCannotRun"
            status.message = state.Error
        } else {
            status.state = state.Dead || state.Status == "removing" ? .containerUnknown : .containerCreated
        }
    }

    /// What the user asked for as far as it is known: a name of the image, else its id.
    private var imageSpec: ImageSpec {
        var spec = ImageSpec()
        let written = labels[DockerLabel.userImage] ?? ""
        let named = inspection.Config.Image ?? ""
        spec.userSpecifiedImage = written
        if !written.isEmpty {
            spec.image = written
        } else if !named.hasPrefix("sha256:") && !named.isEmpty {
            spec.image = named
        } else {
            spec.image = image?.image.repoTags.first ?? image?.image.repoDigests.first ?? inspection.Image
        }
        return spec
    }

    private var resources: LinuxContainerResources {
        let host = inspection.HostConfig
        var resources = LateLimits(label: labels[DockerLabel.limits])?.resources ?? LinuxContainerResources()
        resources.cpuPeriod = host.CpuPeriod ?? 0
        resources.cpuQuota = host.CpuQuota ?? 0
        resources.cpuShares = host.CpuShares ?? 0
        resources.memoryLimitInBytes = host.Memory ?? 0
        resources.memorySwapLimitInBytes = max(0, host.MemorySwap ?? 0)
        resources.oomScoreAdj = Int64(host.OomScoreAdj ?? 0)
        resources.cpusetCpus = host.CpusetCpus ?? ""
        resources.cpusetMems = host.CpusetMems ?? ""
        return resources
    }

    private var mounts: [CRI.Mount] {
        let host = inspection.HostConfig
        var mounts = (host.Mounts ?? []).filter { $0.Type == "bind" }.map { docker in
            var mount = CRI.Mount()
            mount.containerPath = docker.Target ?? ""
            mount.hostPath = docker.Source ?? ""
            mount.readonly = docker.ReadOnly ?? false
            mount.propagation = Self.propagation(docker.BindOptions?.Propagation ?? "")
            return mount
        }
        let bound = Set((host.Binds ?? []).compactMap { $0.split(separator: ":").dropFirst().first.map(String.init) })
        for point in inspection.Mounts where bound.contains(point.Destination) {
            var mount = CRI.Mount()
            mount.containerPath = point.Destination
            mount.hostPath = point.Source
            mount.readonly = !point.RW
            mount.propagation = Self.propagation(point.Propagation)
            mounts.append(mount)
        }
        return mounts
    }

    private static func propagation(_ text: String) -> MountPropagation {
        switch text {
        case "rslave", "slave": .propagationHostToContainer
        case "rshared", "shared": .propagationBidirectional
        default: .propagationPrivate
        }
    }
}
