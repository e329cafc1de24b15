internal import BackEnd
internal import CRI
internal import DockerEngine
internal import Glibc
internal import Linux
internal import NRI
internal import Runtime

extension NRIContainer {
    /// What Docker says of a container.
    init(_ inspection: Docker.ContainerInspectResponse, systemd: Bool) {
        self.init()
        let (host, labels) = (inspection.HostConfig, inspection.Config.Labels ?? [:])
        let record = ContainerReading(inspection: inspection, image: nil, user: nil).record()
        id = inspection.Id
        podSandboxID = record?.sandboxID ?? ""
        name = record?.status.metadata.name ?? ""
        self.labels = record?.status.labels ?? [:]
        annotations =
            PluginAdditions.annotations(label: labels[DockerLabel.pluginAnnotations])
            ?? record?.status.annotations ?? [:]
        args = [inspection.Path].filter { !$0.isEmpty } + inspection.Args
        env = inspection.Config.Env ?? []
        mounts = (record?.status.mounts ?? []).filter { !$0.hasImage }.map(NRIMount.init)
        mounts += (host.Tmpfs ?? [:]).sorted { $0.key < $1.key }.map { target, options in
            var mount = NRIMount()
            (mount.destination, mount.type, mount.source) = (target, "tmpfs", "tmpfs")
            mount.options = options.split(separator: ",").map(String.init)
            return mount
        }
        image.name = record?.status.image.image ?? ""
        image.configDigest = inspection.Image
        rlimits = (host.Ulimits ?? []).map { limit in
            var result = NRIPOSIXRlimit()
            result.type = "RLIMIT_\((limit.Name ?? "").uppercased())"
            result.soft = Self.limit(limit.Soft)
            result.hard = Self.limit(limit.Hard)
            return result
        }
        takeLinux(host, systemd: systemd)
        if let resources = record?.status.resources.linux { linux.resources = NRILinuxResources(resources) }
        if let pids = host.PidsLimit, pids != 0 { linux.resources.pids.limit = pids }
        if let bytes = host.MemoryReservation, bytes != 0 { linux.resources.memory.reservation.value = bytes }
    }

    private static func limit(_ value: Int64?) -> UInt64 { value == -1 ? .max : UInt64(clamping: value ?? 0) }

    private mutating func takeLinux(_ host: Docker.HostConfig, systemd: Bool) {
        linux.oomScoreAdj.value = Int64(host.OomScoreAdj ?? 0)
        linux.sysctl = host.Sysctls ?? [:]
        let parent = host.CgroupParent ?? ""
        if systemd {
            linux.cgroupsPath = "\(parent.isEmpty ? "system.slice" : parent):docker:\(id)"
        } else {
            linux.cgroupsPath = "\(parent.isEmpty ? "/docker" : parent)/\(id)"
        }
        linux.devices = (host.Devices ?? []).compactMap { device in
            var status = stat()
            guard let path = device.PathOnHost, stat(path, &status) == 0 else { return nil }
            let number = DeviceNumber(status.st_rdev)
            var result = NRILinuxDevice()
            result.path = device.PathInContainer ?? path
            result.type = status.st_mode & S_IFMT == S_IFBLK ? "b" : "c"
            (result.major, result.minor) = (Int64(number.major), Int64(number.minor))
            result.fileMode.value = status.st_mode & 0o7777
            (result.uid.value, result.gid.value) = (status.st_uid, status.st_gid)
            return result
        }
    }
}

extension NRIMount {
    fileprivate init(_ mount: CRI.Mount) {
        self.init()
        destination = mount.containerPath
        type = "bind"
        source = mount.hostPath
        options = ["rbind", ContainerSpec.propagation(mount.propagation), mount.readonly ? "ro" : "rw"]
    }
}
