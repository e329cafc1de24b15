internal import CRI
internal import RPC

/// Whether the daemon runs, and what it says of itself; and who else serves on this node.
struct ServiceCheck {
    private let node: Node
    private let area = "service"

    init(_ node: Node) { self.node = node }

    /// What a running daemon answers; nil when none does.
    func findings(asking connection: CRIConnection) async -> [Finding] {
        do {
            let version: VersionResponse = try await connection.call(.runtime, "Version", VersionRequest())
            let status: StatusResponse = try await connection.call(.runtime, "Status", StatusRequest())
            let name = "\(version.runtimeName) \(version.runtimeVersion)"
            return [.pass(area, "\(name) answers at \(node.settings.socketPath)")]
                + status.status.conditions.map(finding) + others
        } catch {
            return [
                .warn(
                    area, "nothing answers at \(node.settings.socketPath)",
                    "Start it: systemctl enable --now fender.socket fender.service.")
            ] + others
        }
    }

    private func finding(_ condition: RuntimeCondition) -> Finding {
        if condition.status { return .pass(area, condition.type) }
        return .fail(area, "\(condition.type) is false: \(condition.reason)", condition.message)
    }

    /// Sockets of other runtimes: one kubelet talks to one, but crictl and kubeadm ask when there are several.
    private var others: [Finding] {
        let known = [
            "/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/cri-dockerd.sock",
            "/var/run/dockershim.sock",
        ]
        return known.filter(node.exists).map {
            .warn(
                area, "another CRI socket: \($0)",
                "kubeadm asks which to use: give it --cri-socket unix://\(node.settings.socketPath).")
        }
    }
}
