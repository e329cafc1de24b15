internal import Cgroups
internal import Glibc
internal import Linux

/// What only metrics show, by cgroup. The directory of each controller is kept; the paths are made when read, which
/// is seldom.
struct DetailFiles: Sendable {
    private let cgroup: Cgroup
    private let hugepageSizes: [String]

    init(_ cgroup: Cgroup, hugepageSizes: [String]) {
        self.cgroup = cgroup
        self.hugepageSizes = hugepageSizes
    }

    func read(_ reader: borrowing FileReader, memory: CgroupSample.Memory?) -> CgroupSample.Details {
        var details = CgroupSample.Details()
        readMemory(into: &details, reader)
        if !cgroup.isLegacy("memory") { details.kernelMemory = memory?.kernel ?? 0 }
        readCPU(into: &details, reader)
        if let directory = cgroup.directory(of: "pids") {
            details.tasks = reader.number("\(directory)/pids.current") ?? 0
            details.taskLimit = reader.number("\(directory)/pids.max")
        }
        details.devices = cgroup.isLegacy("blkio") ? legacyDevices(reader) : unifiedDevices(reader)
        details.hugepages = hugepageSizes.map { hugepages($0, reader) }
        return details
    }

    private func readMemory(into details: inout CgroupSample.Details, _ reader: borrowing FileReader) {
        guard let directory = cgroup.directory(of: "memory") else { return }
        var found = details
        if cgroup.isLegacy("memory") {
            found.peakMemory = reader.number("\(directory)/memory.max_usage_in_bytes") ?? 0
            found.kernelMemory = reader.number("\(directory)/memory.kmem.usage_in_bytes") ?? 0
            found.memoryFailures = reader.number("\(directory)/memory.failcnt") ?? 0
            found.memoryReservation = reader.number("\(directory)/memory.soft_limit_in_bytes")
                .flatMap(MemoryFiles.bytes)
            reader.fields("\(directory)/memory.oom_control") { name, value in
                if "oom_kill" ~= name { found.oomKills = value }
            }
        } else {
            found.peakMemory = reader.number("\(directory)/memory.peak") ?? 0
            found.memoryReservation = reader.number("\(directory)/memory.low").flatMap { $0 == 0 ? nil : $0 }
            reader.fields("\(directory)/memory.events") { name, value in
                if "max" ~= name { found.memoryFailures = value }
                if "oom_kill" ~= name { found.oomKills = value }
            }
        }
        details = found
    }

    private func readCPU(into details: inout CgroupSample.Details, _ reader: borrowing FileReader) {
        guard let directory = cgroup.directory(of: "cpu") else { return }
        if cgroup.isLegacy("cpu") {
            details.cpuShares = reader.number("\(directory)/cpu.shares") ?? 0
            details.cpuQuota = reader.number("\(directory)/cpu.cfs_quota_us")
            details.cpuPeriod = reader.number("\(directory)/cpu.cfs_period_us") ?? 0
            return
        }
        details.cpuShares = reader.number("\(directory)/cpu.weight").map { CgroupLimits.shares(weight: $0) } ?? 0
        let limit = reader.read("\(directory)/cpu.max") { bytes -> (UInt64?, UInt64?) in
            var text = Scanner(bytes)
            let quota = text.number()
            if quota == nil { _ = text.word() }
            return (quota, text.number())
        }
        details.cpuQuota = limit?.0
        details.cpuPeriod = limit?.1 ?? 0
    }

    private func hugepages(_ size: String, _ reader: borrowing FileReader) -> CgroupSample.Hugepages {
        var pages = CgroupSample.Hugepages(size: size)
        guard let directory = cgroup.directory(of: "hugetlb") else { return pages }
        let names = cgroup.isLegacy("hugetlb") ? ("usage_in_bytes", "max_usage_in_bytes") : ("current", "peak")
        pages.usage = reader.number("\(directory)/hugetlb.\(size).\(names.0)") ?? 0
        pages.peak = reader.number("\(directory)/hugetlb.\(size).\(names.1)") ?? 0
        return pages
    }
}

/// Block devices.
extension DetailFiles {
    /// v1: lines `8:0 Read 4096`; the names of the files depend on the scheduler.
    private func legacyDevices(_ reader: borrowing FileReader) -> [CgroupSample.Device] {
        guard let directory = cgroup.directory(of: "blkio") else { return [] }
        var devices: [CgroupSample.Device] = []
        for (bytes, operations) in [
            ("throttle.io_service_bytes_recursive", "throttle.io_serviced_recursive"),
            ("throttle.io_service_bytes", "throttle.io_serviced"),
            ("bfq.io_service_bytes_recursive", "bfq.io_serviced_recursive"),
        ] {
            let isThere = readLegacy("\(directory)/blkio.\(bytes)", reader, &devices, \.readBytes, \.writtenBytes)
            if !isThere { continue }
            readLegacy("\(directory)/blkio.\(operations)", reader, &devices, \.reads, \.writes)
            if !devices.isEmpty { break }
        }
        return devices
    }

    @discardableResult
    private func readLegacy(
        _ path: String, _ reader: borrowing FileReader, _ devices: inout [CgroupSample.Device],
        _ read: WritableKeyPath<CgroupSample.Device, UInt64>, _ written: WritableKeyPath<CgroupSample.Device, UInt64>
    ) -> Bool {
        var found = devices
        let isThere: Void? = reader.read(path) { bytes in
            var text = Scanner(bytes)
            while !text.isAtEnd {
                if let (major, minor) = Self.number(&text) {
                    let operation = text.word()
                    let key = "Read" ~= operation ? read : "Write" ~= operation ? written : nil
                    if let key, let value = text.number() {
                        Self.with(major, minor, &found) { $0[keyPath: key] = value }
                    }
                }
                text.skipLine()
            }
        }
        devices = found
        return isThere != nil
    }

    /// v2: lines `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`.
    private func unifiedDevices(_ reader: borrowing FileReader) -> [CgroupSample.Device] {
        guard let directory = cgroup.unifiedDirectory else { return [] }
        var devices: [CgroupSample.Device] = []
        _ = reader.read("\(directory)/io.stat") { bytes in
            var text = Scanner(bytes)
            while !text.isAtEnd {
                if let (major, minor) = Self.number(&text) {
                    Self.with(major, minor, &devices) { Self.readFields(&text, into: &$0) }
                }
                text.skipLine()
            }
        }
        return devices
    }

    private static func readFields(_ text: inout Scanner, into device: inout CgroupSample.Device) {
        while !text.isAtLineEnd {
            let name = text.word(until: UInt8(ascii: "="))
            guard let value = text.number() else { continue }
            switch name {
            case "rbytes": device.readBytes = value
            case "wbytes": device.writtenBytes = value
            case "rios": device.reads = value
            case "wios": device.writes = value
            default: break
            }
        }
    }

    /// A device number `8:0` at the beginning of a line.
    private static func number(_ text: inout Scanner) -> (UInt32, UInt32)? {
        let separator = UInt8(ascii: ":")
        guard let major = UInt32(text.word(until: separator).text), let minor = text.number() else { return nil }
        return UInt32(exactly: minor).map { (major, $0) }
    }

    private static func with(
        _ major: UInt32, _ minor: UInt32, _ devices: inout [CgroupSample.Device],
        _ change: (inout CgroupSample.Device) -> Void
    ) {
        let known = devices.firstIndex { $0.major == major && $0.minor == minor }
        // A hostile list must not grow without end; no machine has that many disks in one cgroup's use.
        if known == nil && devices.count >= 1024 { return }
        if known == nil {
            devices.append(
                CgroupSample.Device(major: major, minor: minor, path: BlockDevices.path(major: major, minor: minor)))
        }
        change(&devices[known ?? devices.count - 1])
    }
}

/// Names of block devices.
enum BlockDevices {
    /// `/dev/vda` for its number; the number itself, `0:43`, where no device has it, for names must differ.
    static func path(major: UInt32, minor: UInt32) -> String {
        var target = [CChar](repeating: 0, count: 1024)
        let length = readlink("/sys/dev/block/\(major):\(minor)", &target, target.count)
        guard length > 0 else { return "\(major):\(minor)" }
        let bytes = target[..<length].map { UInt8(bitPattern: $0) }
        let name = bytes[(bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]
        return "/dev/" + String(decoding: name, as: UTF8.self)
    }
}
