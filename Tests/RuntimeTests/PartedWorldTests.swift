import CRI
import Testing

@testable import Runtime

/// A World of two parts.
struct PartedWorldTests {
    static let digest = "one@sha256:" + String(repeating: "d", count: 64)

    let whole: World
    let first: World
    let second: World

    init() {
        whole = World()
        first = World(partOf: whole)
        second = World(partOf: whole)
    }

    func sandbox(_ id: String, _ state: PodSandboxState = .sandboxReady) -> SandboxRecord {
        var status = PodSandboxStatus()
        status.id = id
        status.state = state
        return SandboxRecord(status: status)
    }

    func image(_ id: String, tags: [String], digests: [String] = [], pinned: Bool = false) -> ImageRecord {
        var image = Image()
        image.id = "sha256:\(id)"
        image.repoTags = tags
        image.repoDigests = digests
        image.pinned = pinned
        return ImageRecord(image: image)
    }

    @Test func itIsKnownWhenEachPartIs() {
        first.markKnown()
        first.markKnown()
        #expect(!whole.isKnown)
        second.markKnown()
        #expect(whole.isKnown)
    }

    @Test func itHasWhatThePartsHave() throws {
        try first.put(sandbox("a"), first.ticket())
        try second.put(sandbox("b"), second.ticket())
        #expect(Set(whole.sandboxes.map(\.id)) == ["a", "b"])
        #expect(first.sandbox("b") == nil && second.sandbox("a") == nil)
        try second.put(sandbox("b", .sandboxNotready), second.ticket())
        #expect(whole.sandbox("b")?.status.state == .sandboxNotready)
        first.removeSandbox("a", first.ticket())
        #expect(whole.sandboxes.map(\.id) == ["b"])
    }

    @Test func oldNewsOfAPartIsNoNewsOfTheWhole() throws {
        let early = first.ticket()
        try first.put(sandbox("a", .sandboxNotready), first.ticket())
        try first.put(sandbox("a"), early)
        first.removeSandbox("a", early)
        #expect(whole.sandbox("a")?.status.state == .sandboxNotready)
    }

    @Test func itsSubscribersHearOfAllParts() async throws {
        var events = whole.events().makeAsyncIterator()
        try first.put(sandbox("a"), first.ticket())
        second.removeSandbox("unknown", second.ticket())
        try second.put(sandbox("b"), second.ticket())
        second.removeSandbox("b", second.ticket())
        var heard: [String] = []
        for _ in 0..<3 { heard.append(await events.next().map { "\($0.containerID) \($0.containerEventType)" } ?? "") }
        #expect(heard == ["a containerStartedEvent", "b containerStartedEvent", "b containerDeletedEvent"])
    }

    @Test func anImageInTwoPartsIsOne() throws {
        try second.put(
            image("1", tags: ["docker.io/library/one:1", "two:1"], digests: [Self.digest], pinned: true),
            second.ticket())
        try first.put(image("1", tags: ["one:1", "three:1"]), first.ticket())
        let merged = try #require(whole.image("sha256:1"))
        #expect(merged.image.repoTags == ["one:1", "three:1", "two:1"])
        #expect(merged.image.repoDigests == [Self.digest])
        #expect(merged.image.pinned)
        #expect(whole.images.count == 1 && whole.image("docker.io/library/two:1") != nil)
        first.removeImage("sha256:1", first.ticket())
        #expect(whole.image("sha256:1")?.image.repoTags == ["docker.io/library/one:1", "two:1"])
        #expect(whole.image("three:1") == nil)
        second.removeImage("sha256:1", second.ticket())
        #expect(whole.images.isEmpty && whole.image("one:1") == nil)
    }

    @Test func partsThatTellAtOnceLeaveTheWholeTrue() async throws {
        for round in 0..<200 {
            let (a, b) = (image("\(round)", tags: ["a:\(round)"]), image("\(round)", tags: ["b:\(round)"]))
            async let one: Void = first.put(a, first.ticket())
            async let two: Void = second.put(b, second.ticket())
            _ = try await (one, two)
            #expect(whole.image("sha256:\(round)")?.image.repoTags == ["a:\(round)", "b:\(round)"])
        }
    }
}
