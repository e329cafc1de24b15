import CRI
import SwiftProtobuf
import Testing

@testable import Runtime

struct WorldTests {
    let world = World()

    func sandbox(_ id: String, at time: Int64 = 1, state: PodSandboxState = .sandboxReady) -> SandboxRecord {
        var status = PodSandboxStatus()
        status.id = id
        status.createdAt = time
        status.state = state
        status.labels = ["app": id]
        return SandboxRecord(status: status)
    }

    func container(_ id: String, in sandbox: String, state: ContainerState) -> ContainerRecord {
        var status = ContainerStatus()
        status.id = id
        status.state = state
        return ContainerRecord(status: status, sandboxID: sandbox)
    }

    func listed(_ filter: PodSandboxFilter? = nil) throws -> [String] {
        try ListPodSandboxResponse(serializedBytes: world.sandboxList(filter).bytes).items.map(\.id)
    }

    @Test func aListIsItsEncodedEntriesNewestFirst() throws {
        try world.put(sandbox("old", at: 1), world.ticket())
        try world.put(sandbox("new", at: 2), world.ticket())
        #expect(try listed() == ["new", "old"])
        var filter = PodSandboxFilter()
        filter.labelSelector = ["app": "old"]
        #expect(try listed(filter) == ["old"])
        filter.state.state = .sandboxNotready
        #expect(try listed(filter).isEmpty)
    }

    @Test func earlierReadingsNeverReplaceLaterOnes() throws {
        let early = world.ticket()
        let late = world.ticket()
        try world.put(sandbox("a", state: .sandboxNotready), late)
        try world.put(sandbox("a", state: .sandboxReady), early)
        #expect(world.sandbox("a")?.status.state == .sandboxNotready)
    }

    @Test func aReadingBegunBeforeTheRemovalDoesNotBringTheDeadBack() throws {
        let early = world.ticket()
        try world.put(sandbox("a"), world.ticket())
        world.removeSandbox("a", world.ticket())
        try world.put(sandbox("a"), early)
        #expect(world.sandbox("a") == nil)
        try world.put(sandbox("a"), world.ticket())
        #expect(world.sandbox("a") != nil)
    }

    @Test func removalsReportedBeforeANewerReadingAreIgnored() throws {
        let early = world.ticket()
        try world.put(sandbox("a"), world.ticket())
        world.removeSandbox("a", early)
        #expect(world.sandbox("a") != nil)
    }

    @Test func uniquePrefixesFindTheirRecord() throws {
        try world.put(sandbox("abc1"), world.ticket())
        try world.put(sandbox("abd2"), world.ticket())
        #expect(world.sandbox("abc")?.id == "abc1")
        #expect(world.sandbox("ab") == nil)
        #expect(world.sandbox("") == nil)
    }

    @Test func aCompleteReadingTellsWhatIsMissing() throws {
        try world.put(sandbox("gone"), world.ticket())
        let reading = world.ticket()
        try world.put(sandbox("young"), world.ticket())
        let missing = world.missing(sandboxes: [], containers: [], reading)
        #expect(missing.sandboxes == ["gone"])
    }

    @Test func longListsAreCutBetweenEntries() throws {
        for number in 0..<100 { try world.put(sandbox("sandbox-\(number)"), world.ticket()) }
        let list = world.sandboxList(nil)
        let pieces = list.pieces(limit: 100)
        #expect(pieces.count > 10)
        #expect(Array(pieces.joined()) == list.bytes)
        let items = try pieces.flatMap { try ListPodSandboxResponse(serializedBytes: Array($0)).items }
        #expect(items.count == 100)
        #expect(EncodedList().pieces().isEmpty)
    }

    @Test func imagesAreFoundByEveryName() throws {
        let digest = "sha256:" + String(repeating: "0f", count: 32)
        var image = Image()
        image.id = "sha256:abcdef0123"
        image.repoTags = ["busybox:1"]
        image.repoDigests = ["busybox@\(digest)"]
        try world.put(ImageRecord(image: image), world.ticket())
        for name in ["sha256:abcdef0123", "abcdef", "busybox:1", "docker.io/library/busybox:1", "busybox@\(digest)"] {
            #expect(world.image(name)?.id == image.id, "\(name)")
        }
        for name in ["busybox", "busybox:2", "abc", "sha", "s"] { #expect(world.image(name) == nil, "\(name)") }
        image.repoTags = ["busybox:2"]
        try world.put(ImageRecord(image: image), world.ticket())
        #expect(world.image("busybox:1") == nil)
        #expect(world.image("busybox:2") != nil)
    }

    @Test func everyChangeIsOneEventInOrder() async throws {
        var events = world.events().makeAsyncIterator()
        try world.put(sandbox("pod"), world.ticket())
        try world.put(container("c", in: "pod", state: .containerCreated), world.ticket())
        try world.put(container("c", in: "pod", state: .containerRunning), world.ticket())
        try world.put(container("c", in: "pod", state: .containerRunning), world.ticket())
        try world.put(container("c", in: "pod", state: .containerExited), world.ticket())
        world.removeContainer("c", world.ticket())
        var seen: [ContainerEventType] = []
        for _ in 0..<5 {
            let event = try #require(await events.next())
            #expect(event.podSandboxStatus.id == "pod")
            seen.append(event.containerEventType)
        }
        #expect(
            seen == [
                .containerStartedEvent, .containerCreatedEvent, .containerStartedEvent, .containerStoppedEvent,
                .containerDeletedEvent,
            ])
    }

    @Test func aSubscriberThatDoesNotReadIsDropped() async throws {
        let events = world.events(limit: 2)
        for number in 0..<5 { try world.put(sandbox("s\(number)"), world.ticket()) }
        var count = 0
        for await _ in events { count += 1 }
        #expect(count == 2)
    }
}
