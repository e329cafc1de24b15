internal import Configuration
internal import Cgroups

/// What the kernel offers.
struct KernelCheck {
    private let node: Node
    private let cgroups: CgroupHierarchies

    init(_ node: Node) {
        self.node = node
        cgroups = CgroupHierarchies(mountinfo: node.text("/proc/self/mountinfo") ?? "")
    }

    var findings: [Finding] {
        [version, hierarchies, controllers, seccomp, forwarding, swap] + overlay + modules
    }

    /// clone3(2) makes processes in a cgroup since 5.7; Kubernetes itself supports none before 4.19.
    private var version: Finding {
        let numbers = node.kernelRelease.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        let needed = node.backEnd == .native ? (5, 7) : (4, 19)
        guard numbers.count == 2, (numbers[0], numbers[1]) >= needed else {
            return .fail(
                "kernel", "Linux \(node.kernelRelease)",
                "Pods \(node.backEnd == .native ? "without Docker" : "on Docker") need Linux \(needed.0).\(needed.1) or later."
            )
        }
        return .pass("kernel", "Linux \(node.kernelRelease)")
    }

    private var hierarchies: Finding {
        switch cgroups.layout {
        case .unified: .pass("cgroups", "version 2")
        case .hybrid, .legacy:
            .warn(
                "cgroups", "version 1",
                "Kubernetes maintains version 1 no further; boot with systemd.unified_cgroup_hierarchy=1.")
        }
    }

    private var controllers: Finding {
        let missing = ["cpu", "memory", "pids"].filter { !cgroups.has($0) }
        if missing.isEmpty { return .pass("cgroups", "controllers cpu, memory and pids") }
        return .fail(
            "cgroups", "no controller \(missing.joined(separator: ", "))",
            "Limits need it: mount it, or boot with cgroup_enable=\(missing[0]).")
    }

    private var seccomp: Finding {
        node.exists("/proc/sys/kernel/seccomp/actions_avail")
            ? .pass("kernel", "seccomp filters")
            : .fail("kernel", "no seccomp filters", "RuntimeDefault profiles need CONFIG_SECCOMP_FILTER.")
    }

    private var forwarding: Finding {
        node.text("/proc/sys/net/ipv4/ip_forward") == "1"
            ? .pass("network", "IPv4 is forwarded")
            : .fail("network", "IPv4 is not forwarded", "Pods cannot leave the node: sysctl net.ipv4.ip_forward=1.")
    }

    private var swap: Finding {
        let lines = (node.text("/proc/swaps") ?? "").split(separator: "\n").count
        return lines <= 1
            ? .pass("kernel", "no swap")
            : .warn(
                "kernel", "swap is on",
                "A kubelet refuses to start with it unless failSwapOn is false: swapoff -a, or configure memorySwap.")
    }

    private var overlay: [Finding] {
        guard node.backEnd == .native else { return [] }
        let isThere = (node.text("/proc/filesystems") ?? "").split(separator: "\n").contains { $0.hasSuffix("overlay") }
        return [
            isThere
                ? .pass("kernel", "overlayfs")
                : .warn("kernel", "no overlayfs", "Images are copied for each container: modprobe overlay.")
        ]
    }

    /// AppArmor and SELinux: to be there is no duty, to be half there is a fault.
    private var modules: [Finding] {
        var found: [Finding] = []
        if node.text("/sys/module/apparmor/parameters/enabled") == "Y" {
            found.append(
                node.program("apparmor_parser") != nil
                    ? .pass("security", "AppArmor")
                    : .warn(
                        "security", "AppArmor without apparmor_parser", "Profiles cannot be loaded: install apparmor."))
        }
        switch node.text("/sys/fs/selinux/enforce") {
        case "1": found.append(.pass("security", "SELinux, enforcing"))
        case "0": found.append(.pass("security", "SELinux, permissive"))
        default: break
        }
        return found.isEmpty ? [.pass("security", "neither AppArmor nor SELinux")] : found
    }
}
