internal import CRI
internal import Statistics

/// One metric: its descriptor, and how its values come out of a sample.
struct MetricFamily: Sendable {
    /// One value with the labels that come after the common ones.
    struct Value {
        var labels: [String]
        var number: UInt64

        init(_ number: UInt64, _ labels: [String] = []) {
            self.number = number
            self.labels = labels
        }
    }

    /// The labels that every metric has, as cAdvisor names them.
    static let commonLabels = ["id", "name", "image", "namespace", "pod", "container"]

    let name: String
    let help: String
    let labels: [String]
    /// The beginning of each of its `Metric` messages: name and type.
    let head: [UInt8]
    let values: @Sendable (MetricSource) -> [Value]

    init(
        _ name: String, _ type: MetricType, _ help: String, labels: [String] = [],
        _ values: @escaping @Sendable (MetricSource) -> [Value]
    ) {
        self.name = name
        self.help = help
        self.labels = labels
        self.values = values
        var head = WireBuffer()
        head.append(1, name)
        head.append(3, UInt64(type.rawValue))
        self.head = head.bytes
    }

    /// A counter with one value.
    static func counter(
        _ name: String, _ help: String, _ value: @escaping @Sendable (MetricSource) -> UInt64
    ) -> MetricFamily {
        MetricFamily(name, .counter, help) { [Value(value($0))] }
    }

    /// A gauge with one value.
    static func gauge(
        _ name: String, _ help: String, _ value: @escaping @Sendable (MetricSource) -> UInt64
    ) -> MetricFamily {
        MetricFamily(name, .gauge, help) { [Value(value($0))] }
    }

    var descriptor: MetricDescriptor {
        var descriptor = MetricDescriptor()
        descriptor.name = name
        descriptor.help = help
        descriptor.labelKeys = Self.commonLabels + labels
        return descriptor
    }
}

/// What the values of one container, or of one pod, come from.
struct MetricSource {
    var part: StatisticsSample.Part
    var sample: StatisticsSample
    /// When it was started, nanoseconds since the epoch.
    var startedAt: Int64 = 0
    var layer: LayerUsage?

    var cpu: CgroupSample.CPU { part.cgroup.cpu ?? .init() }
    var memory: CgroupSample.Memory { part.cgroup.memory ?? .init() }
    var details: CgroupSample.Details { part.cgroup.details ?? .init() }
    var processes: ProcessSample { sample.processes ?? .init() }
    var device: String { sample.filesystem?.device ?? "" }

    /// The devices it used; before it used any, the one that its writable layer is on, with zeros.
    var devices: [CgroupSample.Device] {
        let known = details.devices
        if !known.isEmpty { return known }
        return [
            CgroupSample.Device(
                major: sample.filesystem?.major ?? 0, minor: sample.filesystem?.minor ?? 0, path: device)
        ]
    }
}

extension UInt64 {
    /// Whole seconds in so many nanoseconds.
    var nanosecondsInSeconds: UInt64 { self / 1_000_000_000 }
    /// Whole seconds in so many microseconds.
    var microsecondsInSeconds: UInt64 { self / 1_000_000 }
}
