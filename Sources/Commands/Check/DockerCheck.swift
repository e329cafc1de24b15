internal import DockerEngine

/// Whether Docker does what pods on it need.
struct DockerCheck {
    private let version: Docker.SystemVersion
    private let info: Docker.SystemInfo
    private let area = "docker"

    init(_ version: Docker.SystemVersion, _ info: Docker.SystemInfo) {
        self.version = version
        self.info = info
    }

    var findings: [Finding] { [engine, storage, liveRestore, runtime] + security }

    private var engine: Finding {
        let text = "Docker \(version.Version), API \(version.ApiVersion)"
        let isNewEnough = APIVersion(version.ApiVersion).map { $0 >= APIVersion(1, 41) } ?? false
        return isNewEnough
            ? .pass(area, text) : .fail(area, text, "API 1.41 is needed: upgrade to Docker 20.10 or later.")
    }

    private var storage: Finding {
        ["overlay2", "overlayfs"].contains(info.Driver)
            ? .pass(area, "storage driver \(info.Driver)")
            : .warn(area, "storage driver \(info.Driver)", "Sizes of writable layers are known with overlay2 only.")
    }

    private var liveRestore: Finding {
        info.LiveRestoreEnabled
            ? .pass(area, "live-restore: containers outlive the daemon")
            : .warn(
                area, "live-restore is off",
                "A restart of Docker ends every pod: set \"live-restore\": true in /etc/docker/daemon.json.")
    }

    private var runtime: Finding {
        let runc = version.Components.first { $0.Name == "runc" }?.Version
        let text = "runtime \(info.DefaultRuntime)" + (runc.map { ", runc \($0)" } ?? "")
        // Since then it is safe from CVE-2025-31133, -52565 and -52881.
        guard let runc, let numbers = Self.numbers(runc), info.DefaultRuntime == "runc" else {
            return .pass(area, text)
        }
        let fixed = numbers.lexicographicallyPrecedes([1, 2, 8])
        return fixed
            ? .warn(
                area, text,
                "Before 1.2.8 containers could escape by masked paths (CVE-2025-31133) unless your distribution mended it."
            )
            : .pass(area, text)
    }

    private static func numbers(_ version: String) -> [Int]? {
        let numbers = version.prefix { $0.isNumber || $0 == "." }.split(separator: ".").compactMap { Int($0) }
        return numbers.count >= 2 ? numbers : nil
    }

    private var security: [Finding] {
        var found: [Finding] = []
        if !info.SecurityOptions.contains(where: { $0.hasPrefix("name=seccomp") }) {
            found.append(.fail(area, "no seccomp", "RuntimeDefault profiles need a Docker that is built with it."))
        }
        if info.SecurityOptions.contains(where: { $0.hasPrefix("name=userns") }) {
            found.append(
                .fail(area, "userns-remap is on", "Pods share namespaces with the node, which it forbids: turn it off.")
            )
        }
        if info.SecurityOptions.contains(where: { $0.hasPrefix("name=rootless") }) {
            found.append(.fail(area, "rootless", "A kubelet's pods need a Docker that runs as root."))
        }
        return found
    }
}
