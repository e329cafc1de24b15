internal import CRI
internal import RPC
internal import Runtime
internal import Statistics

/// `ListMetricDescriptors`, `ListPodSandboxMetrics`, `StreamPodSandboxMetrics`: cAdvisor's metrics without cAdvisor.
extension CRIService {
    func addMetrics(to table: inout MethodTable) {
        table.unary(.runtime, "ListMetricDescriptors") { (_: ListMetricDescriptorsRequest) in
            var response = ListMetricDescriptorsResponse()
            response.descriptors = MetricFamily.all.map(\.descriptor)
            return response
        }
        table.encoded(.runtime, "ListPodSandboxMetrics") { (_: ListPodSandboxMetricsRequest) in
            Payload(try await metrics().bytes)
        }
        table.stream(.runtime, "StreamPodSandboxMetrics") { (_: StreamPodSandboxMetricsRequest, writer) in
            try await write(try await metrics(), to: writer)
        }
    }

    /// A `PodSandboxMetrics` of each ready sandbox.
    private func metrics() async throws -> EncodedList {
        let sandboxes = try knownWorld().sandboxes.filter(\.isReady).newestFirst()
        let containers = running(in: sandboxes)
        let samples = await samples(of: containers.values.flatMap { $0 }, sandboxes, depth: .metrics)
        var list = EncodedList()
        // Two sandboxes of one pod are in one cgroup, and a collector takes no series twice.
        var told: Set<String> = []
        for sandbox in sandboxes {
            guard var sample = samples[sandbox.id] else { continue }
            if let pod = sample.pod, !told.insert(pod.path).inserted { sample.pod = nil }
            var message = WireBuffer()
            message.append(1, sandbox.id)
            append(sandbox, sample, to: &message)
            for container in containers[sandbox.id] ?? [] {
                guard let sample = samples[container.id] else { continue }
                message.append(3, metrics(of: container, in: sandbox, sample))
            }
            list.append(message.bytes)
        }
        return list
    }

    /// The pod's network under the name of its infra container, `POD`; and where a kubelet made the pod a cgroup, that.
    private func append(_ sandbox: SandboxRecord, _ sample: StatisticsSample, to message: inout WireBuffer) {
        let metadata = sandbox.status.metadata
        var source = MetricSource(part: sample.own, sample: sample, startedAt: sandbox.createdAt)
        let infra = MetricLabels([sample.own.path, sandbox.id, "", metadata.namespace, metadata.name, "POD"])
        for metric in infra.metrics(of: MetricFamily.network, source) { message.append(2, metric) }
        guard let pod = sample.pod else { return }
        source.part = pod
        let whole = MetricLabels([pod.path, "", "", metadata.namespace, metadata.name, ""])
        for metric in whole.metrics(of: MetricFamily.cgroup, source) { message.append(2, metric) }
    }

    /// A `ContainerMetrics`.
    private func metrics(
        of container: ContainerRecord, in sandbox: SandboxRecord, _ sample: StatisticsSample
    ) -> [UInt8] {
        let pod = sandbox.status.metadata
        let labels = MetricLabels([
            sample.own.path, container.id, container.status.image.image, pod.namespace, pod.name,
            container.status.metadata.name,
        ])
        var source = MetricSource(part: sample.own, sample: sample, startedAt: container.status.startedAt)
        source.layer = container.writableLayer.flatMap { statistics.layers.usage(of: $0.directory) }
        var message = WireBuffer()
        message.append(1, container.id)
        for families in [MetricFamily.cgroup, MetricFamily.container] {
            for metric in labels.metrics(of: families, source) { message.append(2, metric) }
        }
        return message.bytes
    }
}

/// The common labels' values of one container or pod, encoded once for all its metrics.
struct MetricLabels {
    private let encoded: [UInt8]

    /// Values in the order of ``MetricFamily/commonLabels``.
    init(_ values: [String]) {
        var buffer = WireBuffer()
        for value in values { buffer.append(4, value) }
        encoded = buffer.bytes
    }

    /// A `Metric` for each value of the families.
    func metrics(of families: [MetricFamily], _ source: MetricSource) -> [[UInt8]] {
        families.flatMap { family in
            family.values(source).map { value in
                var metric = WireBuffer()
                metric.append(fields: family.head)
                metric.append(2, UInt64(clamping: source.sample.time))
                metric.append(fields: encoded)
                for label in value.labels { metric.append(4, label) }
                var number = WireBuffer()
                number.append(1, value.number)
                metric.append(5, number.bytes)
                return metric.bytes
            }
        }
    }
}
