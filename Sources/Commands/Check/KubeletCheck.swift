internal import Configuration

/// Whether the kubelet's settings fit.
struct KubeletCheck {
    /// What makes the containers' cgroups.
    enum Driver: Equatable {
        /// `systemd` or `cgroupfs`, which the kubelet's must be.
        case named(String)
        /// Whatever the kubelet has.
        case any
        case unknown
    }

    private let node: Node
    private let driver: Driver
    private let area = "kubelet"

    init(_ node: Node, cgroupDriver: Driver) {
        self.node = node
        driver = cgroupDriver
    }

    var findings: [Finding] {
        guard let configuration = node.text("/var/lib/kubelet/config.yaml") else {
            return [.warn(area, "no /var/lib/kubelet/config.yaml", "Its settings could not be compared with Fender's.")]
        }
        let flags =
            (node.text("/var/lib/kubelet/kubeadm-flags.env") ?? "") + " "
            + (node.text("/etc/default/kubelet") ?? "") + " " + (node.text("/etc/sysconfig/kubelet") ?? "")
        return [endpoint(configuration, flags), drivers(configuration, flags)] + gone(flags)
    }

    private func endpoint(_ configuration: String, _ flags: String) -> Finding {
        let ours = "unix://\(node.settings.socketPath)"
        let named =
            Self.flag("container-runtime-endpoint", in: flags)
            ?? Self.value("containerRuntimeEndpoint", in: configuration)
        guard let named, !named.isEmpty else {
            return .fail(area, "it names no container runtime", "Set containerRuntimeEndpoint: \(ours).")
        }
        return named == ours || named == node.settings.socketPath
            ? .pass(area, "it talks to \(named)")
            : .warn(area, "it talks to \(named)", "To have Fender's pods set containerRuntimeEndpoint: \(ours).")
    }

    /// A kubelet that finds the driver out by itself (1.28 and later) uses its own setting only where it cannot.
    private func drivers(_ configuration: String, _ flags: String) -> Finding {
        let kubelets =
            Self.flag("cgroup-driver", in: flags) ?? Self.value("cgroupDriver", in: configuration) ?? "cgroupfs"
        switch driver {
        case .any: return .pass(area, "its cgroup driver is \(kubelets)")
        case .unknown: return .warn(area, "its cgroup driver is \(kubelets)", "Docker's could not be asked for.")
        case .named(kubelets): return .pass(area, "its cgroup driver is \(kubelets), as the runtime's")
        case .named(let other):
            return .fail(
                area, "its cgroup driver is \(kubelets), the runtime's is \(other)",
                "Two masters of one tree lose containers: set cgroupDriver: \(other), or the runtime's to \(kubelets).")
        }
    }

    /// Flags of in-tree dockershim, with which a kubelet of 1.24 and later does not start.
    private func gone(_ flags: String) -> [Finding] {
        let names = [
            "container-runtime", "docker-endpoint", "network-plugin", "cni-conf-dir", "cni-bin-dir",
            "image-pull-progress-deadline", "network-plugin-mtu",
        ].filter { Self.flag($0, in: flags) != nil }
        return names.map {
            .fail(area, "it has the flag --\($0)", "Kubernetes 1.24 removed it, with dockershim: take it out.")
        }
    }

    /// The last `--name=value` or `--name value`.
    static func flag(_ name: String, in text: String) -> String? {
        let words = text.split { $0.isWhitespace || $0 == "\"" || $0 == "'" }.map(String.init)
        let assigned = words.last { $0.hasPrefix("--\(name)=") || $0.contains("=--\(name)=") }
        if let assigned, let range = assigned.firstRange(of: "--\(name)=") {
            return String(assigned[range.upperBound...])
        }
        guard let index = words.lastIndex(of: "--\(name)"), index + 1 < words.count else { return nil }
        return words[index + 1]
    }

    /// A scalar at the top level of a YAML document.
    static func value(_ key: String, in yaml: String) -> String? {
        let line = yaml.split(separator: "\n").last { $0.hasPrefix("\(key):") }
        guard let value = line?.dropFirst(key.count + 1) else { return nil }
        let bare = value.prefix { $0 != "#" }.split { $0.isWhitespace || $0 == "\"" || $0 == "'" }
        return bare.first.map(String.init)
    }
}
