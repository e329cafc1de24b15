import Configuration
import Linux
import TestScratch
import Testing

@testable import Commands

/// What a migration would do on nodes that are made of files.
struct MigrationPlanTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private static let kubeadm = """
        [Service]
        Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
        EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
        EnvironmentFile=-/etc/default/kubelet
        ExecStart=
        ExecStart=/usr/bin/kubelet $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS

        """

    private static let criDockerd = """
        [Service]
        ExecStart=/usr/bin/cri-dockerd --container-runtime-endpoint fd:// --network-plugin=cni \
        --pod-infra-container-image=registry.local/pause:3.9 --cni-conf-dir /etc/cni/other --runtime-cgroups=/x

        """

    private func plan(
        _ flags: String, config: String? = nil, minor: Int, _ files: [String: String] = [:]
    ) throws -> MigrationPlan? {
        var all = files
        all["usr/lib/systemd/system/kubelet.service"] = "[Service]\nExecStart=/usr/bin/kubelet\n"
        all["etc/systemd/system/kubelet.service.d/10-kubeadm.conf"] = Self.kubeadm
        all["var/lib/kubelet/kubeadm-flags.env"] = "KUBELET_KUBEADM_ARGS=\"\(flags)\"\n"
        all["etc/hostname"] = "Node-1\n"
        if let config { all["var/lib/kubelet/config.yaml"] = config }
        for (path, text) in all.merging(files, uniquingKeysWith: { $1 }) { try scratch.write(path, text) }
        var node = Node()
        node.root = scratch.path
        let version = try #require(KubeletVersion("Kubernetes v1.\(minor).3"))
        let planner = try MigrationPlanner(node, kubelet: try KubeletFiles(node), version: version)
        return try planner.isDone() ? nil : planner.plan()
    }

    private func text(_ plan: MigrationPlan?, _ path: String) throws -> String {
        try #require(plan?.changes.first { $0.path == path }).after.text
    }

    private static let env = "/var/lib/kubelet/kubeadm-flags.env"
    private static let ours = "unix:///run/fender/fender.sock"
    private static let shimFiles = [
        "etc/systemd/system/cri-docker.service": criDockerd,
        "usr/lib/systemd/system/cri-docker.socket": "[Socket]\nListenStream=%t/cri-dockerd.sock\n",
    ]

    @Test(arguments: [
        (
            "--network-plugin=cni --pod-infra-container-image=k8s.gcr.io/pause:3.6", 23,
            "--pod-infra-container-image=k8s.gcr.io/pause:3.6 --container-runtime=remote"
                + " --container-runtime-endpoint=unix:///run/fender/fender.sock"
        ),
        (
            "--container-runtime=docker --v=2", 22,
            "--container-runtime=remote --v=2 --container-runtime-endpoint=unix:///run/fender/fender.sock"
        ),
        (
            "--container-runtime=docker --docker-endpoint=unix:///var/run/docker.sock --network-plugin=cni", 24,
            "--container-runtime-endpoint=unix:///run/fender/fender.sock"
        ),
        (
            "--network-plugin=cni --pod-infra-container-image=k8s.gcr.io/pause:3.6 --v=2", 35,
            "--v=2 --container-runtime-endpoint=unix:///run/fender/fender.sock"
        ),
    ])
    func fromDockershim(flags: String, minor: Int, after: String) throws {
        let plan = try plan(flags, minor: minor)
        #expect(try text(plan, Self.env) == "KUBELET_KUBEADM_ARGS=\"\(after)\"\n")
        #expect(plan?.shim.kind == .dockershim && plan?.nodeName == "node-1")
        #expect(plan?.commandsBefore == [["systemctl", "stop", "kubelet.service"]])
    }

    @Test func settingsOfDockershim() throws {
        let plan = try plan("--network-plugin=cni --docker-endpoint=unix:///d.sock --cni-bin-dir=/a,/b", minor: 23)
        let settings = try text(plan, "/etc/fender/config.toml")
        #expect(
            settings == "docker_endpoint = \"unix:///d.sock\"\ncni_bin_dir = [\"/a\", \"/b\"]\n")
        let without = try self.plan("--v=2", minor: 20)
        #expect(try text(without, "/etc/fender/config.toml").contains("network_plugin = \"none\""))
    }

    @Test func fromCriDockerd() throws {
        let config = "a: 1\ncontainerRuntimeEndpoint: unix:///var/run/cri-dockerd.sock\nz: 2\n"
        let files = Self.shimFiles.merging([
            "etc/fender/config.toml": ConfigurationOption.sampleFile,
            "etc/crictl.yaml": "runtime-endpoint: unix:///run/cri-dockerd.sock\ntimeout: 2\n",
        ]) { $1 }
        let plan = try plan(
            "--container-runtime-endpoint=unix:///var/run/cri-dockerd.sock", config: config, minor: 30, files)
        #expect(plan?.shim.kind == .criDockerd)
        #expect(
            plan?.commandsBefore.last == ["systemctl", "disable", "--now", "cri-docker.service", "cri-docker.socket"])
        #expect(try text(plan, Self.env) == "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=\(Self.ours)\"\n")
        #expect(
            try text(plan, "/var/lib/kubelet/config.yaml") == "a: 1\ncontainerRuntimeEndpoint: \(Self.ours)\nz: 2\n")
        #expect(try text(plan, "/etc/crictl.yaml") == "runtime-endpoint: \(Self.ours)\ntimeout: 2\n")
        let settings = try text(plan, "/etc/fender/config.toml")
        #expect(settings.contains("\n#cni_conf_dir = \"/etc/cni/net.d\"\ncni_conf_dir = \"/etc/cni/other\"\n"))
        #expect(settings.contains("\npod_infra_container_image = \"registry.local/pause:3.9\"\n"))
        #expect(!settings.contains("\nnetwork_plugin ="))
        #expect(plan?.notes.contains { $0.contains("--runtime-cgroups has no effect") } ?? false)
        #expect(plan?.changes.map(\.path).suffix(3).contains("/etc/systemd/system/fender.service") ?? false)
    }

    @Test func settingsThatAreThereStay() throws {
        let files = Self.shimFiles.merging(["etc/fender/config.toml": "cni_conf_dir = \"/mine\"\n"]) { $1 }
        let plan = try plan("--container-runtime-endpoint=unix:///run/cri-dockerd.sock", minor: 26, files)
        #expect(try text(plan, "/etc/fender/config.toml").hasPrefix("cni_conf_dir = \"/mine\"\ndocker_endpoint"))
        #expect(plan?.notes.contains { $0.contains("sets cni_conf_dir already") } ?? false)
    }

    @Test(arguments: [true, false]) func theSocketsGroupIsThePackages(isThere: Bool) throws {
        let group = isThere ? "root:x:0:\nfender:x:101:\n" : "root:x:0:\n"
        let plan = try plan("--network-plugin=cni", minor: 23, ["etc/group": group])
        let socket = try text(plan, "/etc/systemd/system/fender.socket")
        #expect(socket.contains(UnitFiles.socketGroup) == isThere && socket.contains("SocketGroup") == isThere)
    }

    @Test func aPackagesUnitIsNotTouched() throws {
        let unit = "[Service]\nExecStart=/usr/bin/kubelet --container-runtime-endpoint=unix:///run/cri-dockerd.sock\n"
        var files = Self.shimFiles
        files["usr/lib/systemd/system/kubelet.service"] = unit
        files["etc/systemd/system/kubelet.service.d/10-kubeadm.conf"] = "[Service]\n"
        let plan = try plan("", minor: 28, files)
        let change = try #require(plan?.changes.first { $0.path == "/etc/systemd/system/kubelet.service" })
        #expect(change.before == nil && change.after.text.contains(Self.ours))
    }

    @Test func theConfigurationFileNamesItWhereItCan() throws {
        let plan = try plan("--network-plugin=cni", config: "kind: KubeletConfiguration", minor: 27)
        #expect(
            try text(plan, "/var/lib/kubelet/config.yaml")
                == "kind: KubeletConfiguration\ncontainerRuntimeEndpoint: \(Self.ours)\n")
        #expect(try text(plan, Self.env) == "KUBELET_KUBEADM_ARGS=\"\"\n")
    }

    @Test(arguments: [
        ("--container-runtime-endpoint=unix:///run/fender/fender.sock", 28),
        ("--container-runtime=remote --container-runtime-endpoint=/run/fender/fender.sock", 23),
    ])
    func whatIsDone(flags: String, minor: Int) throws {
        #expect(try plan(flags, minor: minor) == nil)
    }

    @Test(arguments: [
        ("--container-runtime-endpoint=unix:///run/containerd/containerd.sock", 28, "cannot be taken over"),
        ("--container-runtime-endpoint=unix:///run/cri-dockerd.sock", 28, "no cri-docker.service"),
        ("--v=2", 28, "names no runtime"), ("--network-plugin=kubenet", 23, "kubenet is gone"),
        ("--network-plugin=$PLUGIN", 23, "network-plugin"),
        ("--network-plugin=cni --docker-endpoint=nowhere", 23, "docker-endpoint"),
    ])
    func whatIsRefused(flags: String, minor: Int, why: String) throws {
        do {
            _ = try plan(flags, minor: minor)
            Issue.record("was not refused")
        } catch let error as MigrationError {
            #expect(error.description.contains(why))
        }
    }

    @Test func aNodeWithoutAKubelet() throws {
        var node = Node()
        node.root = scratch.path
        #expect(throws: MigrationError.self) { try KubeletFiles(node) }
    }

    @Test(arguments: [
        ("Kubernetes v1.23.17", 23), ("1.36", 36), ("v1.27.0-alpha.1+dirty", 27), ("Kubernetes", nil), ("2.1", nil),
    ])
    func versions(text: String, minor: Int?) {
        #expect(KubeletVersion(text)?.minor == minor)
    }
}
