import Glibc
import Linux

/// What the machine that runs the tests has. `Tests/uml/run` sets FENDER_TEST_UML, and then nothing may be missing that
/// User-Mode Linux has: a test is run there, not left out.
enum Machine {
    private static let isUserMode = getenv("FENDER_TEST_UML") != nil && !hasSystemd

    /// Containers can be made.
    static let canRun = getuid() == 0 && Files.exists("/bin/busybox")

    /// Controllers in a v2 hierarchy, and no v1.
    static let isUnified = isUserMode || canRun && hasUnified

    private static let hasUnified: Bool = {
        let mounts = (try? MountTable.read()) ?? []
        guard !mounts.contains(where: { $0.type == "cgroup" }),
            let point = mounts.first(where: { $0.type == "cgroup2" })?.point,
            let text = try? Files.text("\(point)/cgroup.controllers")
        else { return false }
        return Set(["cpu", "io", "memory", "pids"]).isSubset(of: text.split(separator: " ").map(String.init))
    }()

    /// CAP_SYS_RESOURCE, CAP_SYS_NICE and all others.
    static let hasAllCapabilities = isUserMode || canRun && hasCapabilities

    private static let hasCapabilities: Bool = {
        let status = ProcessStatus(text: (try? Files.text("/proc/self/status")) ?? "")
        let last = (try? Files.text("/proc/sys/kernel/cap_last_cap")).flatMap { UInt64($0) } ?? 63
        return UInt64(status["CapBnd"] ?? "", radix: 16) == (2 << last) - 1
    }()

    /// systemd is the first process and manages cgroups.
    static let hasSystemd = getenv("FENDER_TEST_SYSTEMD") != nil

    /// User-Mode Linux has no time namespaces.
    static let hasTimeNamespaces = canRun && Files.exists("/proc/self/ns/time")
}
