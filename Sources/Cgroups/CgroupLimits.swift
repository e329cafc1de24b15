/// The limits of a container as the kernel has them; nil is no limit or no controller.
public struct CgroupLimits: Sendable, Equatable {
    /// CPU shares on the v1 scale, 2 to 262144.
    public var cpuShares: UInt64?
    /// CPU time a period, microseconds.
    public var cpuQuota: Int64?
    /// The period, microseconds.
    public var cpuPeriod: UInt64?
    /// Memory, bytes.
    public var memory: UInt64?
    /// Memory and swap together, bytes.
    public var memoryAndSwap: UInt64?
    /// Processors, as a list such as `0-3,7`.
    public var cpusetCpus: String?
    /// Memory nodes, as a list.
    public var cpusetMems: String?
    /// Processes and threads.
    public var pids: UInt64?
    /// Huge pages, bytes by the kernel's name for the page size (`2MB`).
    public var hugepages: [String: UInt64] = [:]

    /// No limits.
    public init() {}

    /// The v2 weight (1 to 10000) that OCI runtimes make of v1 shares: the line through both ranges' ends.
    public static func weight(shares: UInt64) -> UInt64 {
        1 + (min(max(shares, 2), 262_144) - 2) * 9_999 / 262_142
    }

    /// The least v1 shares that ``weight(shares:)`` makes this v2 weight of.
    public static func shares(weight: UInt64) -> UInt64 {
        2 + ((min(max(weight, 1), 10_000) - 1) * 262_142 + 9_998) / 9_999
    }

    /// A byte limit as control files write it; nil for none: `max`, -1, or the largest page multiple.
    static func bytes(_ text: String) -> UInt64? {
        guard let number = UInt64(text), number < 0x7fff_ffff_ffff_0000 else { return nil }
        return number
    }
}
