import Configuration
import DockerEngine
import Linux
import TestScratch
import Testing

@testable import Commands

/// What a check finds on nodes that are made of files.
struct CheckTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func node(_ files: [String: String], kernel: String = "6.1.0-18-amd64") throws -> Node {
        for (path, text) in files {
            let file = scratch.path + path
            try Files.makeDirectories(String(file[..<file.lastIndex(of: "/")!]))
            try Files.replace(file, with: Array(text.utf8))
        }
        return Node(root: scratch.path, kernelRelease: kernel)
    }

    private func texts(_ findings: [Finding], _ result: Finding.Result) -> [String] {
        findings.filter { $0.result == result }.map(\.text)
    }

    @Test func aGoodKernel() throws {
        let node = try node([
            "/proc/self/mountinfo": "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            "/proc/sys/kernel/seccomp/actions_avail": "kill", "/proc/sys/net/ipv4/ip_forward": "1\n",
            "/proc/swaps": "Filename Type\n", "/proc/filesystems": "nodev\toverlay\n",
        ])
        let found = KernelCheck(node).findings
        #expect(texts(found, .pass).contains("Linux 6.1.0-18-amd64"))
        #expect(texts(found, .pass).contains("version 2"))
        #expect(texts(found, .warn).isEmpty)
    }

    @Test func anOldBareKernel() throws {
        let found = KernelCheck(try node(["/proc/swaps": "Filename\n/dev/sda2\n"], kernel: "4.19.0")).findings
        #expect(
            texts(found, .fail) == [
                "Linux 4.19.0", "no controller cpu, memory, pids", "no seccomp filters", "IPv4 is not forwarded",
            ])
        #expect(texts(found, .warn) == ["version 1", "swap is on", "no overlayfs"])
    }

    @Test(arguments: [
        ("cgroupDriver: systemd\ncontainerRuntimeEndpoint: \"unix:///run/fender/fender.sock\" # ours\n", "", 0, 0),
        (
            "cgroupDriver: cgroupfs\n",
            "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix:///run/fender/fender.sock\"", 1, 0
        ),
        ("cgroupDriver: systemd\n", "", 1, 0),
        ("", "--container-runtime-endpoint=unix:///run/containerd/containerd.sock --cgroup-driver systemd", 0, 1),
        (
            "cgroupDriver: systemd\ncontainerRuntimeEndpoint: unix:///run/fender/fender.sock\n",
            "--network-plugin=cni --container-runtime=remote", 2, 0
        ),
    ])
    func kubelets(configuration: String, flags: String, failures: Int, warnings: Int) throws {
        let node = try node([
            "/var/lib/kubelet/config.yaml": configuration, "/var/lib/kubelet/kubeadm-flags.env": flags,
        ])
        let found = KubeletCheck(node, cgroupDriver: .named("systemd")).findings
        #expect(texts(found, .fail).count == failures)
        #expect(texts(found, .warn).count == warnings)
    }

    @Test func cgroupDrivers() throws {
        let node = try node(["/var/lib/kubelet/config.yaml": "cgroupDriver: systemd"])
        func text(_ driver: KubeletCheck.Driver) -> String {
            KubeletCheck(node, cgroupDriver: driver).findings.filter { $0.text.contains("cgroup driver") }
                .map { "\($0.result) \($0.text)" }.joined()
        }
        #expect(text(.any) == "pass its cgroup driver is systemd")
        #expect(text(.named("systemd")) == "pass its cgroup driver is systemd, as the runtime's")
        #expect(text(.named("cgroupfs")) == "fail its cgroup driver is systemd, the runtime's is cgroupfs")
        #expect(text(.unknown) == "warn its cgroup driver is systemd")
    }

    @Test func ports() throws {
        let head = "  sl  local_address rem_address   st tx_queue rx_queue\n"
        var node = try node([
            // 10010 is listened at, 10011 is a connection's, 10012 is listened at by IPv6.
            "/proc/net/tcp": head + " 0: 0100007F:271A 00000000:0000 0A 0:0\n 1: 0100007F:271B 0100007F:1F90 01 0:0\n",
            "/proc/net/tcp6": head + " 0: 00000000000000000000000001000000:271C 00000000:0000 0A 0:0\n",
        ])
        #expect(PortCheck(node).findings(isServing: false).isEmpty)
        func texts(streaming: Int, metrics: Int, isServing: Bool = false) -> [String] {
            node.settings.streamingBindAddress.port = streaming
            node.settings.metricsBindAddress = .tcp(StreamingAddress(host: "127.0.0.1", port: metrics))
            return PortCheck(node).findings(isServing: isServing).map { "\($0.result) \($0.text)" }
        }
        #expect(
            texts(streaming: 10010, metrics: 10011) == [
                "fail port 10010 of streaming-bind-addr is taken", "pass port 10011 of metrics-bind-addr is free",
            ])
        #expect(texts(streaming: 0, metrics: 10012) == ["fail port 10012 of metrics-bind-addr is taken"])
        #expect(
            texts(streaming: 10010, metrics: 0, isServing: true) == [
                "pass port 10010 of streaming-bind-addr is listened at, and Fender runs"
            ])
    }

    @Test func networks() throws {
        let plugin = #"{"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "bridge"}, {"type": "portmap"}]}"#
        let bare = try node(["/etc/cni/net.d/10-pods.conflist": plugin, "/etc/cni/net.d/20-old.conflist": plugin])
        #expect(
            texts(NetworkCheck(bare).findings, .fail) == [
                "no plugin bridge in /opt/cni/bin, /usr/lib/cni", "no plugin portmap in /opt/cni/bin, /usr/lib/cni",
            ])
        let whole = try node([
            "/opt/cni/bin/bridge": "", "/usr/lib/cni/portmap": "", "/usr/sbin/iptables": "",
            "/etc/cni/net.d/00-broken.conf": "{",
        ])
        let found = NetworkCheck(whole).findings
        #expect(texts(found, .fail).isEmpty)
        #expect(texts(found, .warn).count == 2)
        #expect(texts(found, .pass) == ["CNI network pods, version 1.0.0", "plugins bridge, portmap"])
    }

    @Test func docker() {
        var (version, info) = (Docker.SystemVersion(), Docker.SystemInfo())
        (version.Version, version.ApiVersion) = ("19.03.15", "1.40")
        (info.Driver, info.DefaultRuntime) = ("devicemapper", "runc")
        info.SecurityOptions = ["name=userns"]
        let old = DockerCheck(version, info).findings
        #expect(texts(old, .fail) == ["Docker 19.03.15, API 1.40", "no seccomp", "userns-remap is on"])
        #expect(texts(old, .warn) == ["storage driver devicemapper", "live-restore is off"])

        (version.Version, version.ApiVersion) = ("28.0.0", "1.48")
        (info.Driver, info.LiveRestoreEnabled, info.SecurityOptions) = (
            "overlay2", true, ["name=seccomp,profile=builtin"]
        )
        var runc = Docker.Component()
        (runc.Name, runc.Version) = ("runc", "1.1.5+ds1")
        version.Components = [runc]
        let new = DockerCheck(version, info).findings
        #expect(texts(new, .fail).isEmpty)
        #expect(texts(new, .warn) == ["runtime runc, runc 1.1.5+ds1"])
    }

    @Test func linesSayWhatToDo() {
        let lines = CheckCommand.lines([.pass("kernel", "Linux 6.1"), .fail("docker", "no seccomp", "Build it in.")])
        #expect(
            lines == [
                "pass  kernel  Linux 6.1", "fail  docker  no seccomp", "              → Build it in.", "",
                "1 pass, 0 warn, 1 fail",
            ])
    }
}
