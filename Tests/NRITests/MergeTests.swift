import Testing

@testable import NRI

@Suite struct MergeTests {
    private var container: NRIContainer {
        var container = NRIContainer()
        container.id = "c"
        container.env = ["A=1", "B=2"]
        container.args = ["sleep"]
        container.annotations = ["old": "1"]
        container.mounts = [.make { ($0.destination, $0.source) = ("/data", "/srv") }]
        return container
    }

    private func adjusting(_ body: (inout NRIContainerAdjustment) -> Void) -> NRICreateContainerResponse {
        .make { body(&$0.adjust) }
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

    private func conflict(_ want: Want) throws -> Bool {
        var merge = CreationMerge(container)
        try merge.take(adjusting(want.body), from: "00-a")
        do {
            try merge.take(adjusting(want.body), from: "10-b")
            return false
        } catch is Owners.Conflict {
            return true
        }
    }

    static let wants: [Want] = [
        Want("annotations") { $0.annotations["k"] = "v" }, Want("env") { $0.env = [.make { $0.key = "K" }] },
        Want("mounts") { $0.mounts = [.make { $0.destination = "/m" }] }, Want("args") { $0.args = ["x"] },
        Want("rlimits") { $0.rlimits = [.make { $0.type = "RLIMIT_CORE" }] },
        Want("CDI devices") { $0.cdiDevices = [.make { $0.name = "v/c=d" }] },
        Want("devices") { $0.linux.devices = [.make { $0.path = "/dev/x" }] },
        Want("cgroups path") { $0.linux.cgroupsPath = "/x" }, Want("oom") { $0.linux.oomScoreAdj.value = 0 },
        Want("memory") { $0.linux.resources.memory.limit.value = 0 },
        Want("cpuset") { $0.linux.resources.cpu.cpus = "0" },
        Want("hugepages") { $0.linux.resources.hugepageLimits = [.make { $0.pageSize = "2MB" }] },
        Want("unified") { $0.linux.resources.unified["memory.high"] = "1" },
        Want("pids") { $0.linux.resources.pids.limit = 1 }, Want("io priority") { $0.linux.ioPriority.class = .be },
        Want("seccomp") { $0.linux.seccompPolicy.defaultAction = "x" }, Want("sysctl") { $0.linux.sysctl["a"] = "1" },
        Want("namespaces") { $0.linux.namespaces = [.make { $0.type = "ipc" }] },
        Want("net devices") { $0.linux.netDevices["eth9"] = .init() },
        Want("scheduler") { $0.linux.scheduler.policy = .schedBatch },
        Want("rdt") { $0.linux.rdt.closID.value = "x" }, Want("policy") { $0.linux.memoryPolicy.mode = .mpolBind },
    ]

    @Test(arguments: wants) func twoWhoWantTheSameAreInConflict(_ want: Want) throws {
        #expect(try conflict(want))
    }

    @Test func hooksAddUp() throws {
        #expect(try !conflict(Want("hooks") { $0.hooks.prestart = [.make { $0.path = "/bin/true" }] }))
    }

    @Test func whoClearsMaySet() throws {
        var merge = CreationMerge(container)
        try merge.take(
            adjusting {
                $0.env = [.make { ($0.key, $0.value) = ("K", "a") }]
                $0.mounts = [.make { $0.destination = "/m" }]
                $0.annotations["k"] = "a"
                $0.args = ["a"]
                $0.linux.sysctl["s"] = "1"
                $0.linux.devices = [.make { $0.path = "/dev/x" }]
            }, from: "00-a")
        try merge.take(
            adjusting {
                $0.env = [.make { $0.key = "-K" }, .make { ($0.key, $0.value) = ("K", "b") }]
                $0.mounts = [.make { $0.destination = "-/m" }, .make { ($0.destination, $0.source) = ("/m", "/b") }]
                $0.annotations = ["-k": "", "k": "b"]
                $0.args = ["", "b"]
                $0.linux.sysctl = ["-s": "", "s": "2"]
                $0.linux.devices = [.make { $0.path = "-/dev/x" }, .make { ($0.path, $0.type) = ("/dev/x", "b") }]
            }, from: "10-b")
        let adjustment = merge.adjustment
        #expect(adjustment.env.map { "\($0.key)=\($0.value)" } == ["K=b"])
        #expect(adjustment.mounts.map(\.source) == ["/b"])
        #expect(adjustment.annotations == ["k": "b"])
        #expect(adjustment.args == ["b"])
        #expect(adjustment.linux.sysctl == ["s": "2"])
        #expect(adjustment.linux.devices.map(\.type) == ["b"])
        #expect(throws: Owners.Conflict.self) {
            try merge.take(adjusting { $0.args = ["c"] }, from: "20-c")
        }
    }

    @Test func laterPluginsSeeWhatEarlierOnesChanged() throws {
        var merge = CreationMerge(container)
        try merge.take(
            adjusting {
                $0.env = [.make { $0.key = "-A" }, .make { ($0.key, $0.value) = ("C", "3") }]
                $0.mounts = [.make { $0.destination = "-/data" }]
                $0.annotations = ["-old": "", "new": "1"]
                $0.linux.resources.cpu.shares.value = 7
            }, from: "00-a")
        #expect(merge.container.env == ["B=2", "C=3"])
        #expect(merge.container.mounts.isEmpty)
        #expect(merge.container.annotations == ["new": "1"])
        #expect(merge.container.linux.resources.cpu.shares.value == 7)
        // What is removed of the original has to reach the runtime.
        #expect(merge.adjustment.env.map(\.key) == ["-A", "C"])
        #expect(merge.adjustment.mounts.map(\.destination) == ["-/data"])
        #expect(merge.adjustment.annotations == ["-old": "", "new": "1"])
    }

    @Test func whoWantsNothingChangesNothing() throws {
        var merge = CreationMerge(container)
        try merge.take(
            adjusting {
                $0.hooks = NRIHooks()
                $0.linux.resources.memory = NRILinuxMemory()
                $0.linux.devices = []
            }, from: "00-a")
        #expect(merge.adjustment == NRIContainerAdjustment())
        #expect(merge.container == container)
    }

    @Test func resourcesOfDifferentPluginsAddUp() throws {
        var merge = CreationMerge(container)
        try merge.take(adjusting { $0.linux.resources.cpu.cpus = "0" }, from: "00-a")
        try merge.take(adjusting { $0.linux.resources.memory.limit.value = 5 }, from: "10-b")
        #expect(merge.adjustment.linux.resources.cpu.cpus == "0")
        #expect(merge.adjustment.linux.resources.memory.limit.value == 5)
        let owners = merge.owners.message.owners["c"]?.simple
        #expect(owners?[Int32(NRIField.cpusetCpus.rawValue)] == "00-a")
        #expect(owners?[Int32(NRIField.memLimit.rawValue)] == "10-b")
    }

    @Test func updatesOfOneContainerAddUpOrConflict() throws {
        func update(_ body: (inout NRIContainerUpdate) -> Void) -> NRIContainerUpdate {
            .make {
                $0.containerID = "x"
                body(&$0)
            }
        }
        var merge = UpdateMerge()
        try merge.take(update { $0.linux.resources.cpu.shares.value = 1 }, from: "00-a")
        try merge.take(update { $0.linux.resources.cpu.cpus = "1" }, from: "10-b")
        #expect(throws: Owners.Conflict.self) {
            try merge.take(update { $0.linux.resources.cpu.cpus = "2" }, from: "20-c")
        }
        try merge.take(
            update {
                $0.linux.resources.cpu.cpus = "3"
                $0.ignoreFailure = true
            }, from: "30-d")
        #expect(merge.updates.count == 1)
        #expect(merge.resources(of: "x")?.cpu.cpus == "1")
        #expect(merge.resources(of: "x")?.cpu.shares.value == 1)
    }

    @Test func theContainerInCreationIsAdjustedNotUpdated() {
        var merge = CreationMerge(container)
        #expect(throws: Owners.Conflict.self) {
            try merge.take(.make { $0.update = [.make { $0.containerID = "c" }] }, from: "00-a")
        }
    }
}
