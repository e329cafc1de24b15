extension NRILinuxResources {
    /// The fields that are set.
    var claims: [Claim] {
        var claims: [Claim] = []
        func add(_ isSet: Bool, _ field: NRIField) { if isSet { claims.append(Claim(field)) } }
        add(memory.hasLimit, .memLimit)
        add(memory.hasReservation, .memReservation)
        add(memory.hasSwap, .memSwapLimit)
        add(memory.hasKernel, .memKernelLimit)
        add(memory.hasKernelTcp, .memTcpLimit)
        add(memory.hasSwappiness, .memSwappiness)
        add(memory.hasDisableOomKiller, .memDisableOomKiller)
        add(memory.hasUseHierarchy, .memUseHierarchy)
        add(cpu.hasShares, .cpuShares)
        add(cpu.hasQuota, .cpuQuota)
        add(cpu.hasPeriod, .cpuPeriod)
        add(cpu.hasRealtimeRuntime, .cpuRealtimeRuntime)
        add(cpu.hasRealtimePeriod, .cpuRealtimePeriod)
        add(!cpu.cpus.isEmpty, .cpusetCpus)
        add(!cpu.mems.isEmpty, .cpusetMems)
        add(hasBlockioClass, .blockioClass)
        add(hasRdtClass, .rdtClass)
        add(hasPids, .pidsLimit)
        claims += hugepageLimits.map { Claim(.hugepageLimits, $0.pageSize) }
        claims += unified.keys.sorted().map { Claim(.cgroupsUnified, $0) }
        return claims
    }

    /// Takes over what `other` has set.
    public mutating func overlay(_ other: NRILinuxResources) {
        if other.hasMemory { memory.overlay(other.memory) }
        if other.hasCpu { cpu.overlay(other.cpu) }
        for limit in other.hugepageLimits {
            hugepageLimits.removeAll { $0.pageSize == limit.pageSize }
            hugepageLimits.append(limit)
        }
        unified.merge(other.unified) { $1 }
        devices += other.devices
        if other.hasBlockioClass { blockioClass = other.blockioClass }
        if other.hasRdtClass { rdtClass = other.rdtClass }
        if other.hasPids { pids = other.pids }
    }
}

extension NRILinuxMemory {
    fileprivate mutating func overlay(_ other: NRILinuxMemory) {
        if other.hasLimit { limit = other.limit }
        if other.hasReservation { reservation = other.reservation }
        if other.hasSwap { swap = other.swap }
        if other.hasKernel { kernel = other.kernel }
        if other.hasKernelTcp { kernelTcp = other.kernelTcp }
        if other.hasSwappiness { swappiness = other.swappiness }
        if other.hasDisableOomKiller { disableOomKiller = other.disableOomKiller }
        if other.hasUseHierarchy { useHierarchy = other.useHierarchy }
    }
}

extension NRILinuxCPU {
    fileprivate mutating func overlay(_ other: NRILinuxCPU) {
        if other.hasShares { shares = other.shares }
        if other.hasQuota { quota = other.quota }
        if other.hasPeriod { period = other.period }
        if other.hasRealtimeRuntime { realtimeRuntime = other.realtimeRuntime }
        if other.hasRealtimePeriod { realtimePeriod = other.realtimePeriod }
        if !other.cpus.isEmpty { cpus = other.cpus }
        if !other.mems.isEmpty { mems = other.mems }
    }
}
