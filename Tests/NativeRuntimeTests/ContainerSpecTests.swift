import CRI
import FoundationEssentials
import ImageRoot
import Linux
import OCI
import Runtime
import SwiftProtobuf
import Testing

@testable import NativeRuntime

/// A container's config.json, as the executor reads it.
private func makeSpec(
    image: ContainerSpec.ImageConfiguration = .init(command: ["sh"]),
    user: ResolvedUser = .init(uid: 0, gid: 0, groups: [0]),
    idSpace: IDSpace? = nil,
    _ change: (inout ContainerConfig) -> Void = { _ in }, sandbox: (inout PodSandboxStatus) -> Void = { _ in }
) throws -> Spec {
    var config = ContainerConfig()
    config.image.image = "test"
    change(&config)
    var status = PodSandboxStatus()
    status.id = "pod"
    sandbox(&status)
    let made = ContainerSpec(
        id: "id", config: config, sandboxConfig: PodSandboxConfig(),
        sandbox: SandboxRecord(status: status, pid: 77, cgroupParent: "/kubepods/pod1"), image: image, user: user,
        rootfs: "/rootfs",
        places: .init(
            files: "/files", namespaces: PinnedNamespaces(directory: "/pins"), sharedMemory: "/tmp", hostname: "host"),
        idSpace: idSpace, seccompRoot: "/none")
    return try Spec(parsing: try made.json().bytes)
}

struct ContainerSpecTests {
    @Test(
        arguments: [
            // command, args, image's entrypoint and command, what runs (Kubernetes' table)
            ([], [], ["/ep"], ["c"], ["/ep", "c"]), (["/x"], [], ["/ep"], ["c"], ["/x"]),
            ([], ["a"], ["/ep"], ["c"], ["/ep", "a"]), (["/x"], ["a"], ["/ep"], ["c"], ["/x", "a"]),
        ] as [([String], [String], [String], [String], [String])])
    func commandsAndArguments(
        command: [String], arguments: [String], entrypoint: [String], imageCommand: [String], result: [String]
    ) throws {
        let image = ContainerSpec.ImageConfiguration(entrypoint: entrypoint, command: imageCommand)
        let spec = try makeSpec(image: image) {
            $0.command = command
            $0.args = arguments
        }
        #expect(spec.process?.arguments == result)
    }

    @Test func nothingToRunIsRefused() {
        #expect(throws: RuntimeError.self) { try makeSpec(image: .init()) }
    }

    @Test func theLastVariableOfANameCounts() throws {
        let image = ContainerSpec.ImageConfiguration(command: ["sh"], environment: ["PATH=/image", "A=1"])
        let spec = try makeSpec(image: image) {
            $0.envs = [
                .with {
                    $0.key = "A"
                    $0.value = .init("2=3".utf8)
                }
            ]
        }
        #expect(spec.process?.environment == ["PATH=/image", "HOSTNAME=host", "HOME=/", "A=2=3"])
    }

    @Test(
        arguments: [
            (NamespaceMode.pod, "/proc/77/ns/pid"), (.container, nil), (.node, "none"),
        ] as [(NamespaceMode, String?)])
    func processNamespaces(mode: NamespaceMode, path: String?) throws {
        let spec = try makeSpec { $0.linux.securityContext.namespaceOptions.pid = mode }
        let namespace = spec.linux.namespaces.first { $0.kind == .pid }
        if path == "none" { #expect(namespace == nil) } else { #expect(namespace?.path == path && namespace != nil) }
    }

    private static func space(_ count: UInt32) -> IDSpace {
        let range = IDRange(inside: 0, host: 1000, count: count)
        return IDSpace(path: "/pins/user", maps: IDMaps(users: [range], groups: [range]))
    }

    @Test func aUserNamespaceIsThePods() throws {
        let spec = try makeSpec(idSpace: Self.space(65536)) { $0.linux.securityContext.privileged = true }
        #expect(spec.linux.namespaces.first { $0.kind == .user }?.path == "/pins/user")
        #expect(spec.linux.uidMappings.first?.hostID == 1000 && spec.linux.gidMappings.first?.size == 65536)
        #expect(spec.linux.namespaces.contains { $0.kind == .cgroup && $0.path == nil })
        #expect(spec.mounts.first { $0.destination == "/dev/pts" }?.options.contains("gid=5") == true)
    }

    @Test func aSmallUserNamespaceHasNoTerminalGroup() throws {
        let spec = try makeSpec(idSpace: Self.space(5))
        #expect(spec.mounts.first { $0.destination == "/dev/pts" }?.options.contains("gid=5") == false)
    }

    @Test func onTheHostsNetworkAUserNamespaceSeesTheHostsDevices() throws {
        let spec = try makeSpec(idSpace: Self.space(65536), sandbox: { $0.linux.namespaces.options.network = .node })
        let mount = spec.mounts.first { $0.destination == "/sys" }
        #expect(mount?.type == "bind" && mount?.source == "/sys" && mount?.options.contains("ro") == true)
    }

    @Test func mappedMounts() throws {
        var mapping = CRI.IDMapping()
        (mapping.hostID, mapping.length) = (5000, 10)
        let spec = try makeSpec {
            var mount = CRI.Mount()
            (mount.hostPath, mount.containerPath) = ("/tmp", "/data")
            (mount.uidMappings, mount.gidMappings) = ([mapping], [mapping])
            $0.mounts = [mount]
        }
        let mount = spec.mounts.first { $0.destination == "/data" }
        #expect(mount?.uidMappings.first?.hostID == 5000 && mount?.gidMappings.first?.size == 10)
    }

    @Test func theHostsNetworkIsJoinedByJoiningNothing() throws {
        let spec = try makeSpec(sandbox: { $0.linux.namespaces.options.network = .node })
        #expect(!spec.linux.namespaces.contains { $0.kind == .network || $0.kind == .uts })
        let own = try makeSpec()
        #expect(own.linux.namespaces.first { $0.kind == .network }?.path == "/pins/net")
    }

    @Test(
        arguments: [
            ([], [], 14), (["NET_ADMIN"], [], 15), (["ALL"], ["CHOWN"], 40), ([], ["ALL"], 0), (["KILL"], ["ALL"], 1),
        ] as [([String], [String], Int)])
    func capabilities(add: [String], drop: [String], count: Int) throws {
        let spec = try makeSpec {
            $0.linux.securityContext.capabilities.addCapabilities = add
            $0.linux.securityContext.capabilities.dropCapabilities = drop
        }
        let sets = try #require(spec.process?.capabilities)
        #expect(sets.bounding.count == count && sets.effective == sets.bounding && sets.permitted == sets.bounding)
        // CVE-2022-29162.
        #expect(sets.inheritable.isEmpty && sets.ambient.isEmpty)
    }

    @Test func unknownCapabilitiesAreRefused() {
        #expect(throws: RuntimeError.self) {
            try makeSpec { $0.linux.securityContext.capabilities.addCapabilities = ["CAP_NOPE"] }
        }
    }

    @Test func outerMountsComeFirstAndTakeThePlaceOfOurs() throws {
        let mounts = ["/a/b", "/a", "/etc/hosts"].map { path in
            CRI.Mount.with {
                $0.containerPath = path
                $0.hostPath = "/tmp"
            }
        }
        let spec = try makeSpec { $0.mounts = mounts }
        let asked = spec.mounts.filter { $0.source == "/tmp" && $0.destination != "/dev/shm" }.map(\.destination)
        #expect(asked == ["/a", "/a/b", "/etc/hosts"])
        #expect(spec.mounts.filter { $0.destination == "/etc/hosts" }.count == 1)
    }

    @Test(arguments: ["relative", "/no/such/path/here", ""])
    func hostPathsMustExist(path: String) {
        #expect(throws: RuntimeError.self) {
            try makeSpec {
                $0.mounts = [
                    .with {
                        $0.containerPath = "/x"
                        $0.hostPath = path
                    }
                ]
            }
        }
    }

    @Test func aPrivilegedContainerIsNotConfined() throws {
        let spec = try makeSpec {
            $0.linux.securityContext.privileged = true
            $0.linux.securityContext.maskedPaths = ["/proc/kcore"]
        }
        #expect(spec.linux.seccomp == nil && spec.linux.maskedPaths.isEmpty)
        #expect(spec.linux.resources.devices == [.init(allow: true, type: "a", major: nil, minor: nil, access: "rwm")])
        #expect(spec.linux.devices.contains { $0.path == "/dev/null" })
        #expect(spec.mounts.first { $0.destination == "/sys" }?.options.contains("rw") == true)
    }

    @Test func devicesAreDeniedUnlessListed() throws {
        let spec = try makeSpec {
            $0.devices = [
                .with {
                    $0.hostPath = "/dev/full"
                    $0.containerPath = "/dev/mine"
                    $0.permissions = "r"
                }
            ]
        }
        #expect(spec.linux.resources.devices.first?.allow == false)
        #expect(spec.linux.resources.devices.last == .init(allow: true, type: "c", major: 1, minor: 7, access: "r"))
        #expect(spec.linux.devices.map(\.path) == ["/dev/mine"])
        #expect(throws: RuntimeError.self) {
            try makeSpec { $0.devices = [.with { $0.hostPath = "/dev/no-such" }] }
        }
    }

    @Test func limitsArePassedOn() throws {
        let spec = try makeSpec {
            $0.linux.resources.memoryLimitInBytes = 1 << 20
            $0.linux.resources.cpuQuota = 5000
            $0.linux.resources.unified = ["memory.high": "1000"]
        }
        #expect(spec.linux.resources.memory.limit == 1 << 20 && spec.linux.resources.memory.swap == 1 << 20)
        #expect(spec.linux.resources.cpu.quota == 5000 && spec.linux.resources.cpu.shares == nil)
        #expect(spec.linux.cgroupsPath == "/kubepods/pod1/id")
    }

    @Test func theDefaultProfileOpensWhatACapabilityIsFor() throws {
        func names(_ capabilities: [String]) throws -> Set<String> {
            let spec = try makeSpec {
                $0.linux.securityContext.seccomp.profileType = .runtimeDefault
                $0.linux.securityContext.capabilities.addCapabilities = capabilities
            }
            let rules = try #require(spec.linux.seccomp).rules.filter { $0.action.name == "SCMP_ACT_ALLOW" }
            return Set(rules.flatMap(\.names))
        }
        #expect(try names([]).isDisjoint(with: ["mount", "setns", "bpf", "keyctl", "reboot", "clone3"]))
        #expect(try names([]).isSuperset(of: ["read", "clone", "chown", "chroot"]))
        #expect(try names(["SYS_ADMIN"]).isSuperset(of: ["mount", "setns", "clone3"]))
    }
}
