internal import BackEnd
internal import CRI
internal import DockerEngine
internal import Runtime
internal import Security

extension ContainerSpec {
    func setResources(_ host: inout Docker.HostConfig) {
        let resources = config.linux.resources
        host.Memory = resources.memoryLimitInBytes
        host.MemorySwap = resources.dockerMemorySwap
        host.CpuShares = resources.cpuShares
        host.CpuQuota = resources.cpuQuota
        host.CpuPeriod = resources.cpuPeriod
        host.CpusetCpus = resources.cpusetCpus
        host.CpusetMems = resources.cpusetMems
        host.OomScoreAdj = node.oomScore(resources.oomScoreAdj)
    }

    func setDevices(_ host: inout Docker.HostConfig) throws {
        var devices = cdi.devices
        for device in config.devices {
            let permissions = device.permissions.isEmpty ? "rwm" : device.permissions
            guard permissions.allSatisfy({ "rwm".contains($0) }), device.hostPath.hasPrefix("/") else {
                throw RuntimeError(
                    .invalidArgument,
                    "device \(device.hostPath): an absolute path and permissions of r, w, m are needed")
            }
            devices.append(
                Docker.DeviceMapping(
                    PathOnHost: device.hostPath,
                    PathInContainer: device.containerPath.isEmpty ? device.hostPath : device.containerPath,
                    CgroupPermissions: permissions))
        }
        host.Devices = devices.isEmpty ? nil : devices
        if !config.cdiDevices.isEmpty && node.readsCDI {
            host.DeviceRequests = [Docker.DeviceRequest(Driver: "cdi", DeviceIDs: config.cdiDevices.map(\.name))]
        }
    }
}

extension LinuxContainerResources {
    /// Docker's memory and swap together. Without a swap limit it equals memory: no swap, as dockershim had it.
    var dockerMemorySwap: Int64 {
        memorySwapLimitInBytes != 0 ? memorySwapLimitInBytes : memoryLimitInBytes
    }
}
