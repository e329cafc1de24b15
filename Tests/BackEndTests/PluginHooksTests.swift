import CRI
import Logging
import NRI
import Runtime
import Synchronization
import Testing

@testable import BackEnd

/// A back end that remembers what it was asked for.
private final class Target: PluginTarget {
    let world = World()
    let asked = Mutex<[String]>([])

    func describe(_ container: ContainerRecord) async throws -> NRIContainer {
        asked.withLock { $0.append("describe") }
        return NRIContainer(container)
    }

    func apply(_ limits: PluginLimits, to container: ContainerRecord) async throws {
        if limits.resources.cpuShares == 13 { throw RuntimeError(.unknown, "no") }
        asked.withLock { $0.append("limit \(container.id) \(limits.resources.cpuShares)") }
    }

    func stopContainer(_ container: ContainerRecord, timeout: Int64) async throws {}

    func put(_ id: String, _ state: ContainerState = .containerRunning) throws {
        var status = ContainerStatus()
        (status.id, status.state) = (id, state)
        try world.put(ContainerRecord(status: status, sandboxID: "pod"), world.ticket())
    }
}

/// A container that is made at once.
private struct Creation: PluginCreation {
    let target: Target
    var failure: RuntimeError?

    func make() async throws -> String { "c" }
    func plain() async throws -> NRIContainer { throw RuntimeError(.internalError, "nobody asked for it") }
    func adjust(_ adjustment: NRIContainerAdjustment) async throws -> String { "c" }
    func commit() async throws {
        if let failure { throw failure }
        try target.put("c", .containerCreated)
    }
}

struct PluginHooksTests {
    private let target = Target()
    private let hooks = PluginHooks(
        settings: NRISettings(), logger: Logger(label: "nri") { _ in SwiftLogNoOpLogHandler() })

    init() { hooks.attach(target) }

    private func record(_ id: String) throws -> ContainerRecord { try #require(target.world.container(id)) }

    private func sandbox() -> SandboxRecord {
        var status = PodSandboxStatus()
        status.id = "pod"
        return SandboxRecord(status: status)
    }

    @Test func withoutPluginsNothingIsDescribed() async throws {
        try await hooks.createContainer(in: sandbox(), Creation(target: target))
        try await hooks.startContainer(record("c"))
        await hooks.started("c")
        await hooks.stopped("c")
        try await hooks.removeContainer(record("c")) { target.world.removeContainer("c", target.world.ticket()) }
        #expect(target.asked.withLock { $0 }.isEmpty)
        #expect(hooks.state.withLock { $0.containers }.isEmpty)
    }

    @Test func aFailedCreationLeavesNothing() async throws {
        await #expect(throws: RuntimeError.self) {
            try await hooks.createContainer(
                in: sandbox(), Creation(target: target, failure: RuntimeError(.unknown, "no")))
        }
        #expect(hooks.state.withLock { $0.containers }.isEmpty)
    }

    @Test func aFailedRemovalIsNone() async throws {
        try await hooks.createContainer(in: sandbox(), Creation(target: target))
        await #expect(throws: RuntimeError.self) {
            try await hooks.removeContainer(record("c")) { throw RuntimeError(.unknown, "no") }
        }
        #expect(hooks.state.withLock { $0.containers["c"]?.isRemoving } == false)
    }

    @Test func anEarlyEndIsToldAfterTheStart() async throws {
        try await hooks.createContainer(in: sandbox(), Creation(target: target))
        try await hooks.startContainer(record("c"))
        await hooks.stopped("c")
        #expect(hooks.state.withLock { $0.containers["c"]?.isLive } == true)
        await hooks.started("c")
        #expect(hooks.state.withLock { $0.containers["c"]?.isLive } == false)
    }

    @Test func aSandboxThatIsNotShownIsForgotten() async throws {
        await #expect(throws: RuntimeError.self) {
            try await hooks.runSandbox(sandbox(), PodSandboxConfig()) { throw RuntimeError(.unknown, "no") }
        }
        #expect(hooks.state.withLock { $0.pods }.isEmpty)
        try await hooks.runSandbox(sandbox(), PodSandboxConfig()) {}
        try await hooks.removeSandbox("pod") {}
        #expect(hooks.state.withLock { $0.pods }.isEmpty)
    }

    @Test func updatesThatCannotBeDoneAreAnswered() async throws {
        for id in ["a", "b", "c"] { try target.put(id) }
        try target.put("d", .containerExited)
        func update(_ id: String, _ body: (inout NRILinuxResources) -> Void) -> NRIContainerUpdate {
            var update = NRIContainerUpdate()
            update.containerID = id
            body(&update.linux.resources)
            return update
        }
        let failed = await hooks.update([
            update("a") { $0.cpu.shares.value = 5 }, update("b") { $0.cpu.shares.value = 13 },
            update("c") { $0.rdtClass.value = "x" }, update("d") { $0.cpu.shares.value = 5 },
            update("none") { _ in },
        ])
        #expect(failed.map(\.containerID) == ["b", "c", "none"])
        #expect(target.asked.withLock { $0 } == ["limit a 5"])
    }

    @Test func limitsSurviveTheWayToPluginsAndBack() throws {
        var resources = LinuxContainerResources()
        resources.cpuShares = 1
        resources.cpuQuota = -1
        resources.cpuPeriod = 3
        resources.cpusetCpus = "0-1"
        resources.cpusetMems = "0"
        resources.memoryLimitInBytes = 4
        resources.memorySwapLimitInBytes = 5
        resources.unified = ["memory.high": "6"]
        var page = CRI.HugepageLimit()
        (page.pageSize, page.limit) = ("2MB", 7)
        resources.hugepageLimits = [page]
        #expect(try PluginLimits(NRILinuxResources(resources)).resources == resources)
        #expect(NRILinuxResources(LinuxContainerResources()) == NRILinuxResources())
    }
}
