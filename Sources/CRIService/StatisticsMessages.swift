internal import CRI
internal import Statistics

extension CpuUsage {
    /// Nil without the controller.
    init?(_ part: StatisticsSample.Part, _ time: Int64) {
        guard let cpu = part.cgroup.cpu else { return nil }
        self.init()
        timestamp = time
        usageCoreNanoSeconds.value = cpu.usage
        if let nanoCores = part.nanoCores { usageNanoCores.value = nanoCores }
        if let pressure = part.cgroup.pressure.cpu { psi = PsiStats(pressure) }
    }
}

extension MemoryUsage {
    /// Nil without the controller.
    init?(_ cgroup: CgroupSample, _ time: Int64) {
        guard let memory = cgroup.memory else { return nil }
        self.init()
        timestamp = time
        workingSetBytes.value = memory.workingSet
        if let available = memory.available { availableBytes.value = available }
        usageBytes.value = memory.usage
        rssBytes.value = memory.rss
        pageFaults.value = memory.pageFaults
        majorPageFaults.value = memory.majorPageFaults
        if let pressure = cgroup.pressure.memory { psi = PsiStats(pressure) }
    }
}

extension SwapUsage {
    /// Nil where swap is not counted.
    init?(_ cgroup: CgroupSample, _ time: Int64) {
        guard let memory = cgroup.memory, let swap = memory.swap else { return nil }
        self.init()
        timestamp = time
        swapUsageBytes.value = swap
        if let limit = memory.swapLimit { swapAvailableBytes.value = limit - min(limit, swap) }
    }
}

extension IoUsage {
    /// Nil where the kernel counts no pressure by cgroup.
    init?(_ cgroup: CgroupSample, _ time: Int64) {
        guard let pressure = cgroup.pressure.io else { return nil }
        self.init()
        timestamp = time
        psi = PsiStats(pressure)
    }
}

extension PsiStats {
    init(_ pressure: CgroupSample.Pressure) {
        self.init()
        some = PsiData(pressure.some)
        full = PsiData(pressure.full)
    }
}

extension PsiData {
    /// The CRI counts in nanoseconds, the kernel in microseconds.
    init(_ line: CgroupSample.Pressure.Line) {
        self.init()
        total = line.total &* 1000
        avg10 = line.average10
        avg60 = line.average60
        avg300 = line.average300
    }
}

extension NetworkUsage {
    /// The CRI's default interface is the one CNI makes first. Nil without any interface.
    init?(_ interfaces: [InterfaceSample], _ time: Int64) {
        if interfaces.isEmpty { return nil }
        self.init()
        timestamp = time
        for interface in interfaces {
            if interface.name == "eth0" {
                defaultInterface = NetworkInterfaceUsage(interface)
            } else {
                self.interfaces.append(NetworkInterfaceUsage(interface))
            }
        }
    }
}

extension NetworkInterfaceUsage {
    init(_ interface: InterfaceSample) {
        self.init()
        name = interface.name
        rxBytes.value = interface.received.bytes
        rxErrors.value = interface.received.errors
        txBytes.value = interface.transmitted.bytes
        txErrors.value = interface.transmitted.errors
    }
}

extension StatisticsSample.Part {
    /// For a pod without a cgroup of its own: what its containers come to. Pressure does not add up and is left out.
    init(sumOf parts: [StatisticsSample.Part]) {
        var sum = CgroupSample()
        for part in parts {
            if let cpu = part.cgroup.cpu { sum.cpu = (sum.cpu ?? .init()) + cpu }
            if let memory = part.cgroup.memory { sum.memory = (sum.memory ?? .init()) + memory }
        }
        let rates = parts.compactMap(\.nanoCores)
        self.init(path: "", cgroup: sum, nanoCores: rates.isEmpty ? nil : rates.reduce(0, +))
    }
}
