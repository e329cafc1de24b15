import CRI
import DockerEngine
import FoundationEssentials
import Runtime
import SwiftProtobuf
import Testing

@testable import DockerRuntime

/// What CRI configurations become on Docker's side.
struct SpecTests {
    static func node(_ minor: Int = 41, driver: String = "cgroupfs") -> NodeFacts {
        var info = Docker.SystemInfo()
        info.CgroupDriver = driver
        info.ServerVersion = "20.10.24"
        info.Driver = "overlay2"
        return NodeFacts(apiVersion: APIVersion(1, minor), info: info)
    }

    static func pod() -> PodSandboxConfig {
        var pod = PodSandboxConfig()
        pod.metadata.name = "web"
        pod.metadata.namespace = "default"
        pod.metadata.uid = "uid"
        pod.hostname = "web-0"
        return pod
    }

    func sandbox(_ pod: PodSandboxConfig, _ node: NodeFacts = node()) throws -> Docker.ContainerCreateRequest {
        try SandboxSpec(
            config: pod, handler: "", imageID: "sha256:pause", imageLabels: ["vendor": "x"], node: node,
            settings: DockerSettings()
        ).request()
    }

    func container(
        _ edit: (inout CRI.ContainerConfig) -> Void, _ node: NodeFacts = node(), labels: [String: String] = [:]
    ) throws -> Docker.ContainerCreateRequest {
        var config = CRI.ContainerConfig()
        config.metadata.name = "app"
        config.logPath = "app/0.log"
        edit(&config)
        var status = PodSandboxStatus()
        status.id = "sandboxid"
        status.metadata = Self.pod().metadata
        var image = CRI.Image()
        image.id = "sha256:image"
        return try ContainerSpec(
            sandbox: SandboxRecord(status: status, cgroupParent: "/kubepods/pod1"), config: config,
            logDirectory: "/var/log/pods/p", image: ImageRecord(image: image, labels: labels), node: node,
            settings: DockerSettings(), identity: ContainerIdentity()
        ).request()
    }

    @Test func aPlainSandboxHasNoNetworkOfDockers() throws {
        let request = try sandbox(Self.pod())
        #expect(request.HostConfig.NetworkMode == "none")
        #expect(request.HostConfig.IpcMode == "shareable")
        #expect(request.HostConfig.PidMode == nil)
        #expect(request.config.Hostname == "web-0")
        #expect(request.config.Labels?["io.kubernetes.docker.type"] == "podsandbox")
        #expect(request.config.Labels?["io.kubernetes.container.name"] == "POD")
        #expect(request.config.Labels?[DockerLabel.foreign] == "vendor")
        #expect(request.HostConfig.SecurityOpt == ["no-new-privileges"])
    }

    @Test func aHostPodSharesWhatItAsksFor() throws {
        var pod = Self.pod()
        pod.linux.securityContext.namespaceOptions.network = .node
        pod.linux.securityContext.namespaceOptions.pid = .node
        pod.linux.securityContext.namespaceOptions.ipc = .node
        let host = try sandbox(pod).HostConfig
        #expect(
            host.NetworkMode == "host" && host.PidMode == "host" && host.IpcMode == "host" && host.UTSMode == "host")
        #expect(try sandbox(pod).config.Hostname == nil)
    }

    @Test(arguments: [
        ("cgroupfs", "/kubepods/burstable/pod1", "/kubepods/burstable/pod1"),
        ("systemd", "/kubepods.slice/kubepods-pod1.slice", "kubepods-pod1.slice"),
    ])
    func cgroupParentsFollowTheDriver(driver: String, parent: String, expected: String) throws {
        var pod = Self.pod()
        pod.linux.cgroupParent = parent
        #expect(try sandbox(pod, Self.node(driver: driver)).HostConfig.CgroupParent == expected)
    }

    @Test(arguments: [["net.core.somaxconn": "1", "kernel.hostname": "x"], ["net.a": "1\n2"]])
    func sysctlsThatAreNotThePodsAreRefused(sysctls: [String: String]) {
        var pod = Self.pod()
        pod.linux.sysctls = sysctls
        #expect(throws: RuntimeError.self) { try sandbox(pod) }
    }

    @Test func aContainerJoinsItsSandbox() throws {
        let request = try container({ $0.labels = ["app": "x"] }, labels: ["maintainer": "m"])
        #expect(request.HostConfig.NetworkMode == "container:sandboxid")
        #expect(request.HostConfig.IpcMode == "container:sandboxid")
        #expect(request.HostConfig.CgroupParent == "/kubepods/pod1")
        #expect(request.config.Labels?["io.kubernetes.sandbox.id"] == "sandboxid")
        #expect(request.config.Labels?["io.kubernetes.container.logpath"] == "/var/log/pods/p/app/0.log")
        #expect(request.config.Labels?[DockerLabel.foreign] == "maintainer")
        #expect(request.config.Healthcheck?.Test == ["NONE"])
    }

    @Test(arguments: [
        (NamespaceMode.pod, String?.some("container:sandboxid")), (.node, "host"), (.container, String?.none),
    ])
    func processNamespaces(mode: NamespaceMode, expected: String?) throws {
        let request = try container { $0.linux.securityContext.namespaceOptions.pid = mode }
        #expect(request.HostConfig.PidMode == expected)
    }

    @Test func maskedPathsAreExactlyThoseGiven() throws {
        #expect(try container { _ in }.HostConfig.MaskedPaths == nil)
        #expect(try container { $0.linux.securityContext.noNewPrivs = true }.HostConfig.MaskedPaths == [])
        let masked = try container { $0.linux.securityContext.maskedPaths = ["/proc/kcore"] }
        #expect(masked.HostConfig.MaskedPaths == ["/proc/kcore"])
        let privileged = try container { $0.linux.securityContext.privileged = true }
        #expect(privileged.HostConfig.MaskedPaths == nil && privileged.HostConfig.Privileged == true)
    }

    @Test(arguments: [(100, 0, 100), (100, 300, 300), (0, 0, 0)])
    func swapEqualsMemoryUnlessGiven(memory: Int64, swap: Int64, expected: Int64) throws {
        let host = try container {
            $0.linux.resources.memoryLimitInBytes = memory
            $0.linux.resources.memorySwapLimitInBytes = swap
        }.HostConfig
        #expect(host.Memory == memory && host.MemorySwap == expected)
    }

    @Test func readOnlyBindsStayShallowOnNewDaemons() throws {
        let mount = CRI.Mount.with {
            $0.containerPath = "/x"
            $0.hostPath = "/"
            $0.readonly = true
        }
        let old = try #require(try container({ $0.mounts = [mount] }).HostConfig.Mounts?.first)
        #expect(old.BindOptions?.ReadOnlyNonRecursive == nil)
        let new = try #require(try container({ $0.mounts = [mount] }, Self.node(44)).HostConfig.Mounts?.first)
        #expect(new.BindOptions?.ReadOnlyNonRecursive == true)
    }

    @Test(arguments: [
        CRI.Mount.with { $0.hostPath = "/no/such/path" },
        .with { $0.hostPath = "relative" },
        .with {
            $0.hostPath = "/"
            $0.recursiveReadOnly = true
        },
        .with {
            $0.hostPath = "/"
            $0.uidMappings = [IDMapping()]
        },
    ])
    func mountsThatCannotBeHonouredAreRefused(mount: CRI.Mount) {
        #expect(throws: RuntimeError.self) {
            try container {
                var mount = mount
                mount.containerPath = "/x"
                $0.mounts = [mount]
            }
        }
    }

    @Test func environmentsMustBeText() throws {
        let text = CRI.KeyValue.with {
            $0.key = "A"
            $0.value = .init("b=c".utf8)
        }
        #expect(try container { $0.envs = [text] }.config.Env == ["A=b=c"])
        for value in [[UInt8]([0xFF, 0xFE]), [0x41, 0x00]] {
            let bad = CRI.KeyValue.with {
                $0.key = "A"
                $0.value = .init(value)
            }
            #expect(throws: RuntimeError.self) { try container { $0.envs = [bad] } }
        }
    }
}
