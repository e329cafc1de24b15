import CRI
import RPC
import Runtime
import Statistics
import SwiftProtobuf
import Testing

@testable import CRIService

@Suite("Metrics")
struct MetricsTests {
    @Test("every metric has a name of its own, words and labels")
    func descriptors() {
        let descriptors = MetricFamily.all.map(\.descriptor)
        #expect(descriptors.count == 56)
        #expect(Set(descriptors.map(\.name)).count == 56)
        for descriptor in descriptors {
            #expect(descriptor.name.hasPrefix("container_"))
            #expect(!descriptor.help.isEmpty)
            #expect(Set(descriptor.labelKeys).count == descriptor.labelKeys.count)
        }
    }

    /// A sample with nothing in it: a kernel without any controller.
    private var bare: MetricSource {
        MetricSource(
            part: StatisticsSample.Part(path: "/x", cgroup: CgroupSample(), nanoCores: nil),
            sample: StatisticsSample(time: 5_000_000_000, path: "/x"))
    }

    @Test("whatever the kernel lacks, each has a value, with as many labels as it describes")
    func values() {
        for family in MetricFamily.cgroup + MetricFamily.container where !family.name.contains("hugetlb") {
            let values = family.values(bare)
            #expect(!values.isEmpty, "\(family.name)")
            for value in values { #expect(value.labels.count == family.labels.count, "\(family.name)") }
        }
    }

    @Test("messages written by hand read like any other")
    func encoding() throws {
        let family = MetricFamily.gauge("container_x", "Something.") { _ in 300 }
        let labels = MetricLabels(["/x", "", "image", "ns", "pod", "c"])
        let metric = try Metric(serializedBytes: try #require(labels.metrics(of: [family], bare).first))
        #expect(metric.name == "container_x")
        #expect(metric.metricType == .gauge)
        #expect(metric.timestamp == 5_000_000_000)
        #expect(metric.labelValues == ["/x", "", "image", "ns", "pod", "c"])
        #expect(metric.value.value == 300)
    }

    @Test("a zero is a value", arguments: [0, 1, 127, 128, UInt64.max])
    func numbers(number: UInt64) throws {
        let family = MetricFamily.counter("container_x", "Something.") { _ in number }
        let metric = try Metric(serializedBytes: try #require(MetricLabels([]).metrics(of: [family], bare).first))
        #expect(metric.hasValue)
        #expect(metric.value.value == number)
    }

    @Test("pressure is told in nanoseconds, the default interface apart from the others")
    func messages() {
        var line = CgroupSample.Pressure.Line()
        line.total = 7
        #expect(PsiData(line).total == 7000)
        let network = NetworkUsage([InterfaceSample(name: "net1"), InterfaceSample(name: "eth0")], 5)
        #expect(network?.defaultInterface.name == "eth0")
        #expect(network?.interfaces.map(\.name) == ["net1"])
        #expect(NetworkUsage([], 5) == nil)
    }

    @Test("the sum of parts has their time and memory, but no limit")
    func sum() {
        var cgroup = CgroupSample()
        cgroup.cpu = .init()
        cgroup.cpu?.usage = 5
        cgroup.memory = .init()
        cgroup.memory?.usage = 7
        cgroup.memory?.limit = 100
        let part = StatisticsSample.Part(path: "/x", cgroup: cgroup, nanoCores: 2)
        let sum = StatisticsSample.Part(sumOf: [part, part])
        #expect(sum.cgroup.cpu?.usage == 10)
        #expect(sum.cgroup.memory?.usage == 14)
        #expect(sum.cgroup.memory?.limit == nil)
        #expect(sum.nanoCores == 4)
    }
}
