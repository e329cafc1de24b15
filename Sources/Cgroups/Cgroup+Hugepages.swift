internal import Linux

/// A limit on huge pages of one size: CRI `HugepageLimit`.
public struct HugepageLimit: Sendable, Equatable {
    /// The page size as the kubelet (`2MB`, `1GB`) or a person (`2Mi`, `1Gi`) writes it.
    public var pageSize: String
    /// Bytes.
    public var limit: UInt64

    /// A limit in bytes for pages of a size.
    public init(pageSize: String, limit: UInt64) {
        self.pageSize = pageSize
        self.limit = limit
    }

    /// The size as the kernel names its control files: `64KB`, `2MB`, `1GB`. Throws ``CgroupError`` for text
    /// that is no size. Both forms mean powers of two, as in the kernel.
    public func kernelName() throws -> String {
        let malformed = CgroupError("set hugepage limit: \(pageSize.debugDescription) is not a page size")
        let digits = pageSize.prefix { $0 >= "0" && $0 <= "9" }
        guard let number = UInt64(digits), number > 0, number < 1 << 20 else { throw malformed }
        let shift: UInt64
        switch pageSize.dropFirst(digits.count) {
        case "K", "k", "Ki", "KB", "kB", "KiB": shift = 10
        case "M", "Mi", "MB", "MiB": shift = 20
        case "G", "Gi", "GB", "GiB": shift = 30
        default: throw malformed
        }
        return Self.kernelName(bytes: number << shift)
    }

    /// The sizes this machine's kernel has huge pages of, as its control files name them.
    public static func kernelSizes(directory: String = "/sys/kernel/mm/hugepages") throws -> [String] {
        let prefix = "hugepages-"
        return try Files.names(in: directory).compactMap { name in
            guard name.hasPrefix(prefix), name.hasSuffix("kB") else { return nil }
            return UInt64(name.dropFirst(prefix.count).dropLast(2)).map { kernelName(bytes: $0 << 10) }
        }
    }

    private static func kernelName(bytes: UInt64) -> String {
        for (shift, unit) in [(30, "GB"), (20, "MB"), (10, "KB")] where bytes >> shift > 0 {
            if bytes & (1 << UInt64(shift) - 1) == 0 { return "\(bytes >> shift)\(unit)" }
        }
        return "\(bytes)B"
    }
}

extension Cgroup {
    /// Sets huge page limits and, where the kernel tells them apart, the limits on reservations.
    ///
    /// A kubelet sends a limit for every size the node has, mostly 0, so a cgroup without the hugetlb
    /// controller is no error: the limits that could not be set are the answer, for the log. Throws
    /// ``CgroupError`` for a malformed size or when the kernel refuses.
    @discardableResult
    public func set(hugepages limits: [HugepageLimit]) throws -> [HugepageLimit] {
        let named = try limits.map { (limit: $0, name: try $0.kernelName()) }
        var left: [HugepageLimit] = []
        for (limit, name) in named {
            let (file, reserved) =
                isUnified("hugetlb")
                ? ("hugetlb.\(name).max", "hugetlb.\(name).rsvd.max")
                : ("hugetlb.\(name).limit_in_bytes", "hugetlb.\(name).rsvd.limit_in_bytes")
            guard try read(file, of: "hugetlb") != nil else {
                left.append(limit)
                continue
            }
            try write("\(limit.limit)", to: file, of: "hugetlb")
            if try read(reserved, of: "hugetlb") != nil { try write("\(limit.limit)", to: reserved, of: "hugetlb") }
        }
        return left
    }

    /// The huge page limits in force by the kernel's size name; sizes without a limit are left out.
    func hugepages() throws -> [String: UInt64] {
        var limits: [String: UInt64] = [:]
        for size in try HugepageLimit.kernelSizes() {
            let file = isUnified("hugetlb") ? "hugetlb.\(size).max" : "hugetlb.\(size).limit_in_bytes"
            if let limit = try read(file, of: "hugetlb").flatMap(CgroupLimits.bytes) { limits[size] = limit }
        }
        return limits
    }

    /// Asks for a v2 controller in this cgroup, from the root of the hierarchy down.
    ///
    /// Throws ``CgroupError`` where an ancestor refuses, as one with processes in it does.
    public func enable(_ controller: String) throws {
        guard let unified, !unified.isRoot else {
            throw CgroupError("enable controller \(controller): no cgroup v2 directory")
        }
        var directory = unified.mount
        for part in unified.path.split(separator: "/") {
            let path = directory + "/cgroup.subtree_control"
            do {
                let present = try Files.text(path).split(separator: " ")
                if !present.contains(controller[...]) { try Files.poke(path, "+\(controller)") }
            } catch {
                throw CgroupError("enable controller \(controller): \(error)")
            }
            directory += "/" + part
        }
    }
}
