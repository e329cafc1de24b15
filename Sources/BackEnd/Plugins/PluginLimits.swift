public import CRI
public import NRI
internal import Runtime

/// Limits in the words of the CRI, and those that only NRI has.
public struct PluginLimits: Sendable, Hashable {
    /// What the CRI has words for.
    public var resources: LinuxContainerResources
    /// The most processes; nil leaves it.
    public var pids: Int64?
    /// Bytes of memory, a soft limit; nil leaves it.
    public var memoryReservation: Int64?

    /// Limits of the CRI alone.
    public init(_ resources: LinuxContainerResources) { self.resources = resources }

    /// What plugins want. Throws Unimplemented for what no back end changes.
    public init(_ nri: NRILinuxResources) throws {
        let (memory, cpu) = (nri.memory, nri.cpu)
        let unknown: [(String, Bool)] = [
            ("kernel memory", memory.hasKernel), ("kernel TCP memory", memory.hasKernelTcp),
            ("swappiness", memory.hasSwappiness), ("the OOM killer", memory.hasDisableOomKiller),
            ("realtime CPU time", cpu.hasRealtimeRuntime || cpu.hasRealtimePeriod),
            ("block I/O classes", nri.hasBlockioClass), ("RDT classes", nri.hasRdtClass),
            ("device rules", !nri.devices.isEmpty),
        ]
        if let (name, _) = unknown.first(where: \.1) {
            throw RuntimeError(.unimplemented, "NRI: \(name) cannot be changed here")
        }
        resources = LinuxContainerResources(nri)
        pids = nri.hasPids ? nri.pids.limit : nil
        memoryReservation = memory.hasReservation ? memory.reservation.value : nil
    }
}

extension NRILinuxResources {
    /// The CRI's limits; what it has not set is unset.
    public init(_ resources: LinuxContainerResources) {
        self.init()
        if resources.memoryLimitInBytes != 0 { memory.limit.value = resources.memoryLimitInBytes }
        if resources.memorySwapLimitInBytes != 0 { memory.swap.value = resources.memorySwapLimitInBytes }
        if resources.cpuShares != 0 { cpu.shares.value = UInt64(clamping: resources.cpuShares) }
        if resources.cpuQuota != 0 { cpu.quota.value = resources.cpuQuota }
        if resources.cpuPeriod != 0 { cpu.period.value = UInt64(clamping: resources.cpuPeriod) }
        if !resources.cpusetCpus.isEmpty { cpu.cpus = resources.cpusetCpus }
        if !resources.cpusetMems.isEmpty { cpu.mems = resources.cpusetMems }
        unified = resources.unified
        hugepageLimits = resources.hugepageLimits.map { limit in
            var result = NRIHugepageLimit()
            (result.pageSize, result.limit) = (limit.pageSize, limit.limit)
            return result
        }
    }
}

extension LinuxContainerResources {
    /// What of NRI's limits the CRI has words for.
    public init(_ nri: NRILinuxResources) {
        self.init()
        let (memory, cpu) = (nri.memory, nri.cpu)
        memoryLimitInBytes = memory.limit.value
        memorySwapLimitInBytes = memory.swap.value
        cpuShares = Int64(clamping: cpu.shares.value)
        cpuQuota = cpu.quota.value
        cpuPeriod = Int64(clamping: cpu.period.value)
        cpusetCpus = cpu.cpus
        cpusetMems = cpu.mems
        unified = nri.unified
        hugepageLimits = nri.hugepageLimits.map { limit in
            var result = CRI.HugepageLimit()
            (result.pageSize, result.limit) = (limit.pageSize, limit.limit)
            return result
        }
    }

    /// These limits with what plugins want in their place.
    public func adjusted(by adjustment: NRIContainerAdjustment) -> LinuxContainerResources {
        var nri = NRILinuxResources(self)
        nri.overlay(adjustment.linux.resources)
        var result = LinuxContainerResources(nri)
        result.oomScoreAdj = adjustment.linux.hasOomScoreAdj ? adjustment.linux.oomScoreAdj.value : oomScoreAdj
        return result
    }
}
