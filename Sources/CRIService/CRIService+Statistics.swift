internal import CRI
internal import RPC
internal import Runtime
internal import Statistics
internal import SwiftProtobuf

/// `ContainerStats`, `PodSandboxStats`, their lists and streams: of what runs, from the kernel's files.
extension CRIService {
    func addStatistics(to table: inout MethodTable) {
        table.unary(.runtime, "ContainerStats") { (request: ContainerStatsRequest) in
            let container = try container(request.containerID)
            var response = ContainerStatsResponse()
            response.stats = statistics(of: container, await samples(of: [container], depth: .usage)[container.id])
            return response
        }
        table.encoded(.runtime, "ListContainerStats") { (request: ListContainerStatsRequest) in
            Payload(try await containerStatistics(request.hasFilter ? request.filter : nil).bytes)
        }
        table.stream(.runtime, "StreamContainerStats") { (request: StreamContainerStatsRequest, writer) in
            try await write(try await containerStatistics(request.hasFilter ? request.filter : nil), to: writer)
        }
        table.unary(.runtime, "PodSandboxStats") { (request: PodSandboxStatsRequest) in
            let sandbox = try sandbox(request.podSandboxID)
            let containers = try knownWorld().containers(in: sandbox.id).filter(\.isRunning).newestFirst()
            var response = PodSandboxStatsResponse()
            response.stats = statistics(
                of: sandbox, containers, await samples(of: containers, [sandbox], depth: .processes))
            return response
        }
        table.encoded(.runtime, "ListPodSandboxStats") { (request: ListPodSandboxStatsRequest) in
            Payload(try await sandboxStatistics(request.hasFilter ? request.filter : nil).bytes)
        }
        table.stream(.runtime, "StreamPodSandboxStats") { (request: StreamPodSandboxStatsRequest, writer) in
            try await write(try await sandboxStatistics(request.hasFilter ? request.filter : nil), to: writer)
        }
    }

    /// Samples of containers and of sandboxes' own cgroups, by id.
    func samples(
        of containers: [ContainerRecord], _ sandboxes: [SandboxRecord] = [], depth: StatisticsDepth
    ) async -> [String: StatisticsSample] {
        await statistics.samples(of: containers.map(\.subject) + sandboxes.map(\.subject), depth: depth)
    }

    private func containerStatistics(_ filter: ContainerStatsFilter?) async throws -> EncodedList {
        var selection = ContainerFilter()
        selection.id = filter?.id ?? ""
        selection.podSandboxID = filter?.podSandboxID ?? ""
        selection.labelSelector = filter?.labelSelector ?? [:]
        let containers = try knownWorld().containers.filter { $0.isRunning && $0.matches(selection) }.newestFirst()
        let samples = await samples(of: containers, depth: .usage)
        var list = EncodedList()
        for container in containers {
            // What ended meanwhile is left out.
            guard let sample = samples[container.id] else { continue }
            list.append(try statistics(of: container, sample).serializedBytes())
        }
        return list
    }

    private func sandboxStatistics(_ filter: PodSandboxStatsFilter?) async throws -> EncodedList {
        var selection = PodSandboxFilter()
        selection.id = filter?.id ?? ""
        selection.labelSelector = filter?.labelSelector ?? [:]
        let world = try knownWorld()
        let sandboxes = world.sandboxes.filter { $0.isReady && $0.matches(selection) }.newestFirst()
        let containers = running(in: sandboxes)
        let samples = await samples(of: containers.values.flatMap { $0 }, sandboxes, depth: .processes)
        var list = EncodedList()
        for sandbox in sandboxes where samples[sandbox.id] != nil {
            let entry = statistics(of: sandbox, containers[sandbox.id] ?? [], samples)
            list.append(try entry.serializedBytes())
        }
        return list
    }

    /// The running containers of the sandboxes, by sandbox.
    func running(in sandboxes: [SandboxRecord]) -> [String: [ContainerRecord]] {
        let ids = Set(sandboxes.map(\.id))
        let containers = world.containers.filter { $0.isRunning && ids.contains($0.sandboxID) }.newestFirst()
        return Dictionary(grouping: containers, by: \.sandboxID)
    }
}

/// The messages.
extension CRIService {
    /// Attributes and writable layer are told of what does not run, too.
    private func statistics(of container: ContainerRecord, _ sample: StatisticsSample?) -> ContainerStats {
        var stats = ContainerStats()
        stats.attributes.id = container.id
        stats.attributes.metadata = container.status.metadata
        stats.attributes.labels = container.status.labels
        stats.attributes.annotations = container.status.annotations
        if let layer = container.writableLayer { stats.writableLayer = usage(of: layer) }
        guard let sample else { return stats }
        if let cpu = CpuUsage(sample.own, sample.time) { stats.cpu = cpu }
        if let memory = MemoryUsage(sample.own.cgroup, sample.time) { stats.memory = memory }
        if let swap = SwapUsage(sample.own.cgroup, sample.time) { stats.swap = swap }
        if let io = IoUsage(sample.own.cgroup, sample.time) { stats.io = io }
        return stats
    }

    private func usage(of layer: WritableLayer) -> FilesystemUsage {
        let known = statistics.layers.usage(of: layer.directory)
        var usage = FilesystemUsage()
        usage.timestamp = known?.time ?? nanosecondsNow()
        usage.fsID.mountpoint = layer.storage
        if let known {
            usage.usedBytes.value = known.bytes
            usage.inodesUsed.value = known.inodes
        }
        return usage
    }

    private func statistics(
        of sandbox: SandboxRecord, _ containers: [ContainerRecord], _ samples: [String: StatisticsSample]
    ) -> PodSandboxStats {
        var stats = PodSandboxStats()
        stats.attributes.id = sandbox.id
        stats.attributes.metadata = sandbox.status.metadata
        stats.attributes.labels = sandbox.status.labels
        stats.attributes.annotations = sandbox.status.annotations
        let parts = [samples[sandbox.id]].compactMap { $0 } + containers.compactMap { samples[$0.id] }
        guard let sample = samples[sandbox.id] else { return stats }
        let pod = sample.pod ?? StatisticsSample.Part(sumOf: parts.map(\.own))
        if let cpu = CpuUsage(pod, sample.time) { stats.linux.cpu = cpu }
        if let memory = MemoryUsage(pod.cgroup, sample.time) { stats.linux.memory = memory }
        if let io = IoUsage(pod.cgroup, sample.time) { stats.linux.io = io }
        if let network = NetworkUsage(sample.interfaces, sample.time) { stats.linux.network = network }
        stats.linux.process.timestamp = sample.time
        stats.linux.process.processCount.value = parts.reduce(0) { $0 + $1.processCount }
        stats.linux.containers = containers.compactMap { container in
            samples[container.id].map { statistics(of: container, $0) }
        }
        return stats
    }
}

extension ContainerRecord {
    var isRunning: Bool { status.state == .containerRunning }

    var subject: StatisticsSubject {
        StatisticsSubject(id: id, pid: pid, storage: writableLayer?.storage ?? "")
    }
}

extension SandboxRecord {
    var isReady: Bool { status.state == .sandboxReady }

    /// Host network is nobody's own.
    var subject: StatisticsSubject {
        StatisticsSubject(id: id, pid: pid, podUID: status.metadata.uid, hasNetwork: !usesHostNetwork)
    }
}

extension Array where Element: WorldRecord {
    /// In the order of every list.
    func newestFirst() -> [Element] {
        sorted { $0.createdAt == $1.createdAt ? $0.id < $1.id : $0.createdAt > $1.createdAt }
    }
}
