import CRI
import DockerEngine
import FoundationEssentials
import NRI
import Runtime
import SwiftProtobuf
import Testing

@testable import DockerRuntime

/// What plugins make of what Docker is asked for.
struct PluginSpecTests {
    private func make<Value: Message>(_ body: (inout Value) -> Void) -> Value {
        var value = Value()
        body(&value)
        return value
    }

    private func request(_ body: (inout NRIContainerAdjustment) -> Void) throws -> Docker.ContainerCreateRequest {
        var config = CRI.ContainerConfig()
        config.metadata.name = "app"
        config.envs = [make { ($0.key, $0.value) = ("A", .init("1".utf8)) }]
        config.annotations = ["old": "1", "kept": "2"]
        config.mounts = [make { ($0.containerPath, $0.hostPath) = ("/data", "/tmp") }]
        config.linux.resources.cpuShares = 5
        var status = PodSandboxStatus()
        status.metadata = SpecTests.pod().metadata
        var spec = ContainerSpec(
            sandbox: SandboxRecord(status: status), config: config, logDirectory: "",
            image: ImageRecord(image: CRI.Image()), node: SpecTests.node(), settings: DockerSettings(),
            identity: ContainerIdentity())
        try spec.adjust(by: make(body))
        return try spec.request()
    }

    @Test func theProcess() throws {
        let request = try request {
            $0.args = ["run", "it"]
            $0.env = [make { ($0.key, $0.value) = ("A", "2") }, make { $0.key = "-PATH" }]
            $0.rlimits = [make { ($0.type, $0.soft, $0.hard) = ("RLIMIT_NOFILE", 5, .max) }]
            $0.linux.oomScoreAdj.value = 500
        }
        #expect(request.config.Entrypoint == ["run", "it"] && request.config.Cmd == nil)
        // A name without a value unsets what the image sets.
        #expect(request.config.Env == ["A=2", "PATH"])
        #expect(request.HostConfig.Ulimits == [.init(Name: "nofile", Soft: 5, Hard: -1)])
        #expect(request.HostConfig.OomScoreAdj == 500)
    }

    @Test func mountsAndDevices() throws {
        let request = try request {
            $0.mounts = [
                make { $0.destination = "-/data" },
                make { ($0.destination, $0.type, $0.source, $0.options) = ("/b", "bind", "/tmp", ["rbind", "ro"]) },
                make { ($0.destination, $0.type, $0.options) = ("/t", "tmpfs", ["nosuid", "size=1m"]) },
            ]
            $0.linux.devices = [make { ($0.path, $0.type, $0.major, $0.minor) = ("/dev/x", "c", 1, 3) }]
            $0.linux.resources.devices = [make { ($0.allow, $0.type, $0.major.value) = (true, "c", 4) }]
        }
        #expect(request.HostConfig.Mounts?.map(\.Target) == ["/b"])
        #expect(request.HostConfig.Mounts?.first?.ReadOnly == true)
        #expect(request.HostConfig.Tmpfs == ["/t": "nosuid,size=1m"])
        #expect(request.HostConfig.Devices?.map(\.PathOnHost) == ["/dev/null"])
        #expect(request.HostConfig.Devices?.map(\.PathInContainer) == ["/dev/x"])
        #expect(request.HostConfig.DeviceCgroupRules == ["c 4:* rwm"])
    }

    @Test func limits() throws {
        let host = try request {
            $0.linux.resources.cpu.cpus = "1"
            $0.linux.resources.memory.limit.value = 9 << 20
            $0.linux.resources.memory.reservation.value = 8 << 20
            $0.linux.resources.pids.limit = 7
            $0.linux.sysctl = ["kernel.shm_rmid_forced": "1"]
        }.HostConfig
        #expect(host.CpuShares == 5 && host.CpusetCpus == "1")
        #expect(host.Memory == 9 << 20 && host.MemorySwap == 9 << 20 && host.MemoryReservation == 8 << 20)
        #expect(host.PidsLimit == 7 && host.Sysctls == ["kernel.shm_rmid_forced": "1"])
    }

    @Test func annotationsArePluginsOwn() throws {
        let request = try request { $0.annotations = ["-old": "", "new": "3"] }
        let labels = try #require(request.config.Labels)
        #expect(request.HostConfig.Annotations == ["kept": "2", "new": "3"])
        #expect(DockerLabel.decode(labels).annotations == ["old": "1", "kept": "2"])
        #expect(
            PluginAdditions.annotations(label: labels[DockerLabel.pluginAnnotations]) == ["kept": "2", "new": "3"])
    }

    /// A wish with a name.
    struct Want: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var body: @Sendable (inout NRIContainerAdjustment) -> Void

        init(_ name: String, _ body: @escaping @Sendable (inout NRIContainerAdjustment) -> Void) {
            testDescription = name
            self.body = body
        }
    }

    static let unknown: [Want] = [
        Want("OCI hooks") { $0.hooks.prestart = [NRIHook()] }, Want("a cgroup path") { $0.linux.cgroupsPath = "/x" },
        Want("a seccomp policy") { $0.linux.seccompPolicy.defaultAction = "x" },
        Want("namespaces") { $0.linux.namespaces = [NRILinuxNamespace()] },
        Want("a scheduler") { $0.linux.scheduler.policy = .schedBatch },
        Want("an RDT class") { $0.linux.resources.rdtClass.value = "x" },
        Want("device denials") { $0.linux.resources.devices = [NRILinuxDeviceCgroup()] },
        Want("no mqueue") {
            var mount = NRIMount()
            (mount.destination, mount.type) = ("/m", "mqueue")
            $0.mounts = [mount]
        },
        Want("Docker's own") {
            var mount = NRIMount()
            mount.destination = "-/proc"
            $0.mounts = [mount]
        },
        Want("no node 4000:9") {
            var device = NRILinuxDevice()
            (device.path, device.type, device.major, device.minor) = ("/dev/x", "c", 4000, 9)
            $0.linux.devices = [device]
        },
    ]

    @Test(arguments: unknown) func whatDockerCannotDoIsRefused(_ want: Want) {
        let error = #expect(throws: RuntimeError.self) { try request(want.body) }
        #expect(error?.code == .unimplemented)
        #expect(error?.message.contains(want.testDescription) == true)
    }
}
