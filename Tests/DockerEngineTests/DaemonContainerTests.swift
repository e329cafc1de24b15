import Linux
import Testing

@testable import DockerEngine

@Suite("Against a real dockerd: containers", .timeLimit(.minutes(5)))
struct DaemonContainerTests {
    @Test func aContainerLivesAndDies() async throws {
        let fixture = try await DaemonFixture.make()
        let engine = fixture.engine
        let id = try await fixture.withContainer(["sleep", "1000"], name: "life") { request in
            request.config.Labels = ["life": "1"]
        } _: { id in
            let created = try await engine.inspectContainer(id)
            #expect(created.Id == id && created.Name == "/life" && created.State.Status == "created")
            #expect(RFC3339.nanoseconds(created.Created) != nil)
            #expect(RFC3339.nanoseconds(created.State.StartedAt) == nil)

            #expect(try await engine.startContainer(id))
            #expect(try await engine.startContainer(id) == false)
            let running = try await engine.inspectContainer(id, size: true)
            #expect(running.State.Running && running.State.Pid > 1 && running.State.Status == "running")
            #expect(RFC3339.nanoseconds(running.State.StartedAt) != nil)
            #expect(running.SizeRw != nil && running.LogPath.hasSuffix("-json.log"))
            #expect(running.ResolvConfPath.hasSuffix("resolv.conf") && running.HostsPath.hasSuffix("hosts"))
            #expect(running.GraphDriver.Name == running.Driver && !running.GraphDriver.Data.isEmpty)
            #expect(!running.NetworkSettings.SandboxKey.isEmpty && running.NetworkSettings.Networks["none"] != nil)

            let listed = try await engine.listContainers(filters: ["label": ["life=1"], "status": ["running"]])
            #expect(listed.map(\.Id) == [id] && listed[0].Names == ["/life"] && listed[0].State == "running")
            #expect(listed[0].ImageID == running.Image && listed[0].Labels == ["life": "1"])

            let waiting = Task { try await engine.waitContainer(id).StatusCode }
            #expect(try await engine.stopContainer(id, timeout: 0))
            #expect(try await engine.stopContainer(id, timeout: 0) == false)
            #expect(try await waiting.value == 137)
            let dead = try await engine.inspectContainer(id)
            #expect(dead.State.Status == "exited" && dead.State.ExitCode == 137 && dead.State.Pid == 0)
            let failure = await #expect(throws: DockerError.self) { try await engine.killContainer(id) }
            #expect(failure?.kind == .conflict && failure?.message.contains("is not running") == true)
            return id
        }
        let gone = await #expect(throws: DockerError.self) { try await engine.inspectContainer(id) }
        #expect(gone?.kind == .notFound && gone?.message == "No such container: \(id)")
    }

    @Test func aNameInUseIsAConflict() async throws {
        let fixture = try await DaemonFixture.make()
        try await fixture.withContainer(["true"], name: "taken") { id in
            let error = await #expect(throws: DockerError.self) {
                try await fixture.withContainer(["true"], name: "taken") { _ in }
            }
            #expect(error?.kind == .conflict && error?.status == 409)
            #expect(error?.message.contains("already in use by container \"\(id)\"") == true)
        }
    }

    @Test func whatIsWrongIsRefused() async throws {
        let fixture = try await DaemonFixture.make()
        let noImage = await #expect(throws: DockerError.self) {
            try await fixture.withContainer(["true"]) {
                $0.config.Image = "no-such-image:1"
            } _: { _ in
            }
        }
        #expect(noImage?.kind == .notFound && noImage?.message.contains("No such image") == true)
        let badMemory = await #expect(throws: DockerError.self) {
            try await fixture.withContainer(["true"]) {
                $0.HostConfig.Memory = 1
            } _: { _ in
            }
        }
        #expect([.badRequest, .serverError].contains(badMemory?.kind))
        try await fixture.withContainer(["no-such-program"]) { id in
            let error = await #expect(throws: DockerError.self) { try await fixture.engine.startContainer(id) }
            #expect(error?.message.contains("no-such-program") == true)
            let state = try await fixture.engine.inspectContainer(id).State
            #expect(state.ExitCode == 127)
        }
    }

    @Test func aFullCreateBodyComesBackFromInspect() async throws {
        let fixture = try await DaemonFixture.make()
        try await fixture.withContainer(["true"]) { request in
            Self.fill(&request)
        } _: { id in
            let inspect = try await fixture.engine.inspectContainer(id)
            var sent = Docker.ContainerCreateRequest(config: Docker.ContainerConfig())
            Self.fill(&sent)
            Self.expectEqual(inspect.Config, sent.config)
            Self.expectEqual(inspect.HostConfig, sent.HostConfig)
            #expect(inspect.Mounts.contains { $0.Destination == "/from" && $0.Propagation == "rprivate" && !$0.RW })
        }
    }

    private static func fill(_ request: inout Docker.ContainerCreateRequest) {
        request.config.Hostname = "host"
        request.config.Domainname = "domain"
        request.config.User = "1:2"
        request.config.Env = ["A=b", "EMPTY="]
        request.config.Entrypoint = ["/bin/true"]
        request.config.Cmd = ["x", "y z"]
        request.config.WorkingDir = "/tmp"
        request.config.Labels = ["annotation.a": "ü\n\"", "b": ""]
        request.config.OpenStdin = true
        request.config.StdinOnce = true
        request.config.Tty = true
        request.config.ExposedPorts = ["80/tcp": Docker.EmptyObject()]
        request.config.Healthcheck = Docker.HealthConfig.none
        request.config.StopSignal = "SIGUSR1"
        request.config.Volumes = ["/anonymous": Docker.EmptyObject()]
        var host = Docker.HostConfig()
        host.NetworkMode = "none"
        host.IpcMode = "shareable"
        host.PidMode = "host"
        host.CgroupnsMode = "private"
        host.CgroupParent = "/fender-test"
        host.Binds = ["/usr:/bound:ro"]
        var bind = Docker.Mount(Type: "bind", Source: "/usr", Target: "/from", ReadOnly: true)
        bind.BindOptions = Docker.BindOptions()
        bind.BindOptions?.Propagation = "rprivate"
        host.Mounts = [bind]
        host.Tmpfs = ["/tmpfs": "size=1m"]
        host.RestartPolicy = Docker.RestartPolicy(Name: "no", MaximumRetryCount: 0)
        host.CapAdd = ["NET_ADMIN"]
        host.CapDrop = ["MKNOD"]
        host.Privileged = false
        host.ReadonlyRootfs = true
        host.SecurityOpt = ["no-new-privileges", "seccomp=unconfined"]
        host.GroupAdd = ["3", "4"]
        host.Sysctls = ["net.ipv4.ip_forward": "1"]
        host.Runtime = "runc"
        host.LogConfig = Docker.LogConfig(Type: "json-file", Config: ["max-size": "1m"])
        host.ShmSize = 1 << 20
        host.Init = false
        host.OomScoreAdj = 5
        host.Memory = 64 << 20
        host.MemorySwap = 64 << 20
        host.CpuShares = 3
        host.CpuPeriod = 50_000
        host.CpuQuota = 25_000
        host.CpusetCpus = "0"
        host.CpusetMems = "0"
        host.PidsLimit = 50
        host.Ulimits = [Docker.Ulimit(Name: "nofile", Soft: 100, Hard: 200)]
        host.Devices = [
            Docker.DeviceMapping(PathOnHost: "/dev/null", PathInContainer: "/dev/x", CgroupPermissions: "r")
        ]
        host.DeviceCgroupRules = ["c 1:3 r"]
        host.MaskedPaths = []
        host.ReadonlyPaths = ["/proc/sys"]
        host.Dns = ["10.0.0.1"]
        host.DnsSearch = ["a.b"]
        host.DnsOptions = ["ndots:5"]
        host.ExtraHosts = ["h:10.0.0.2"]
        request.HostConfig = host
    }

    private static func expectEqual(_ got: Docker.ContainerConfig, _ sent: Docker.ContainerConfig) {
        #expect(got.Hostname == sent.Hostname && got.Domainname == sent.Domainname && got.User == sent.User)
        #expect(got.Env == sent.Env || got.Env?.filter { !$0.hasPrefix("PATH=") } == sent.Env)
        #expect(got.Entrypoint == sent.Entrypoint && got.Cmd == sent.Cmd && got.WorkingDir == sent.WorkingDir)
        #expect(got.Labels == sent.Labels && got.ExposedPorts == sent.ExposedPorts && got.Volumes == sent.Volumes)
        #expect(got.OpenStdin == true && got.StdinOnce == true && got.Tty == true)
        #expect(got.Healthcheck == sent.Healthcheck && got.StopSignal == sent.StopSignal)
    }

    private static func expectEqual(_ got: Docker.HostConfig, _ sent: Docker.HostConfig) {
        #expect(got.NetworkMode == sent.NetworkMode && got.IpcMode == sent.IpcMode && got.PidMode == sent.PidMode)
        #expect(got.CgroupnsMode == sent.CgroupnsMode && got.CgroupParent == sent.CgroupParent)
        #expect(got.Binds == sent.Binds && got.Mounts == sent.Mounts && got.Tmpfs == sent.Tmpfs)
        #expect(got.RestartPolicy == sent.RestartPolicy && got.Privileged == false && got.ReadonlyRootfs == true)
        #expect(got.CapAdd?.map { $0.replacing("CAP_", with: "") } == sent.CapAdd)
        #expect(got.CapDrop?.map { $0.replacing("CAP_", with: "") } == sent.CapDrop)
        // Docker adds `label=disable` for the host's pid namespace.
        #expect(got.SecurityOpt?.filter { $0 != "label=disable" } == sent.SecurityOpt)
        #expect(got.GroupAdd == sent.GroupAdd && got.Sysctls == sent.Sysctls)
        #expect(got.Runtime == sent.Runtime && got.LogConfig == sent.LogConfig && got.ShmSize == sent.ShmSize)
        #expect(got.Init == false && got.OomScoreAdj == sent.OomScoreAdj && got.Memory == sent.Memory)
        #expect(got.CpuShares == sent.CpuShares && got.CpuPeriod == sent.CpuPeriod && got.CpuQuota == sent.CpuQuota)
        #expect(got.CpusetCpus == sent.CpusetCpus && got.CpusetMems == sent.CpusetMems)
        #expect(got.PidsLimit == sent.PidsLimit && got.Ulimits == sent.Ulimits && got.Devices == sent.Devices)
        #expect(got.DeviceCgroupRules == sent.DeviceCgroupRules)
        #expect(got.MaskedPaths == [] && got.ReadonlyPaths == sent.ReadonlyPaths)
        #expect(got.Dns == sent.Dns && got.DnsSearch == sent.DnsSearch && got.DnsOptions == sent.DnsOptions)
        #expect(got.ExtraHosts == sent.ExtraHosts)
    }

    @Test func nilPathsAreDockersOwn() async throws {
        let fixture = try await DaemonFixture.make()
        try await fixture.withContainer(["true"]) { id in
            let host = try await fixture.engine.inspectContainer(id).HostConfig
            #expect(host.MaskedPaths?.isEmpty == false && host.ReadonlyPaths?.isEmpty == false)
        }
    }

    @Test func aContainerIsChanged() async throws {
        let fixture = try await DaemonFixture.make()
        let engine = fixture.engine
        try await fixture.withContainer(["sleep", "1000"], name: "before") { request in
            request.config.Tty = true
        } _: { id in
            try await engine.renameContainer(id, to: "after")
            try await engine.startContainer(id)
            var update = Docker.UpdateConfig()
            update.CpuShares = 77
            update.Memory = 100 << 20
            update.MemorySwap = 100 << 20
            try await engine.updateContainer(id, update)
            try await engine.resizeContainer(id, height: 11, width: 33)
            let inspect = try await engine.inspectContainer(id)
            #expect(inspect.Name == "/after" && inspect.HostConfig.CpuShares == 77)
            #expect(inspect.HostConfig.Memory == 100 << 20 && inspect.HostConfig.PidsLimit ?? 0 <= 0)
            let exec = try await fixture.run(["stty", "-F", "/proc/1/fd/0", "size"], in: id)
            #expect(String(decoding: exec.output.stdout, as: UTF8.self) == "11 33\n")
        }
    }
}
