internal import CRI
internal import Statistics

extension MetricFamily {
    /// Every metric that is served.
    static let all = cgroup + container + network

    /// Metrics that only containers have.
    static let container: [MetricFamily] = [
        .gauge("container_processes", "Processes that run.") { $0.processes.count },
        .gauge("container_file_descriptors", "Open files, sockets among them.") { $0.processes.descriptors },
        .gauge("container_sockets", "Open sockets.") { $0.processes.sockets },
        MetricFamily(
            "container_ulimits_soft", .gauge, "Soft limits of the container's first process.", labels: ["ulimit"]
        ) {
            [Value($0.processes.openFileLimit ?? 0, ["max_open_files"])]
        },
        filesystem("container_fs_usage_bytes", "What the container wrote, bytes on disk.") { $0.layer?.bytes ?? 0 },
        filesystem("container_fs_limit_bytes", "The size of the file system it writes to, bytes.") {
            $0.sample.filesystem?.bytes ?? 0
        },
        filesystem("container_fs_inodes_total", "Inodes of the file system it writes to.") {
            $0.sample.filesystem?.inodes ?? 0
        },
        filesystem("container_fs_inodes_free", "Free inodes of the file system it writes to.") {
            $0.sample.filesystem?.freeInodes ?? 0
        },
        disk("container_fs_reads_bytes_total", "Bytes read from a device.") { $0.readBytes },
        disk("container_fs_reads_total", "Reads from a device.") { $0.reads },
        disk("container_fs_writes_bytes_total", "Bytes written to a device.") { $0.writtenBytes },
        disk("container_fs_writes_total", "Writes to a device.") { $0.writes },
        MetricFamily(
            "container_blkio_device_usage_total", .counter, "Bytes read from and written to a device.",
            labels: ["device", "major", "minor", "operation"]
        ) {
            $0.devices.flatMap { device in
                [("Read", device.readBytes), ("Write", device.writtenBytes)].map { operation, bytes in
                    Value(bytes, [device.path, "\(device.major)", "\(device.minor)", operation])
                }
            }
        },
    ]

    private static func filesystem(
        _ name: String, _ help: String, _ value: @escaping @Sendable (MetricSource) -> UInt64
    ) -> MetricFamily {
        MetricFamily(name, .gauge, help, labels: ["device"]) { [Value(value($0), [$0.device])] }
    }

    private static func disk(
        _ name: String, _ help: String, _ value: @escaping @Sendable (CgroupSample.Device) -> UInt64
    ) -> MetricFamily {
        MetricFamily(name, .counter, help, labels: ["device"]) { source in
            source.devices.map { Value(value($0), [$0.path]) }
        }
    }

    /// Metrics of a pod's network; only pods with a network of their own have them.
    static let network: [MetricFamily] = [
        interface("container_network_receive_bytes_total", "Bytes received.") { $0.received.bytes },
        interface("container_network_receive_packets_total", "Packets received.") { $0.received.packets },
        interface("container_network_receive_errors_total", "Errors while receiving.") { $0.received.errors },
        interface("container_network_receive_packets_dropped_total", "Packets dropped while receiving.") {
            $0.received.dropped
        },
        interface("container_network_transmit_bytes_total", "Bytes sent.") { $0.transmitted.bytes },
        interface("container_network_transmit_packets_total", "Packets sent.") { $0.transmitted.packets },
        interface("container_network_transmit_errors_total", "Errors while sending.") { $0.transmitted.errors },
        interface("container_network_transmit_packets_dropped_total", "Packets dropped while sending.") {
            $0.transmitted.dropped
        },
    ]

    private static func interface(
        _ name: String, _ help: String, _ value: @escaping @Sendable (InterfaceSample) -> UInt64
    ) -> MetricFamily {
        MetricFamily(name, .counter, help, labels: ["interface"]) { source in
            source.sample.interfaces.map { Value(value($0), [$0.name]) }
        }
    }
}
