import TestSupport
import Linux
import Testing

@testable import DockerEngine

@Suite("Against a real dockerd: images", .timeLimit(.minutes(5)))
struct DaemonImageTests {
    @Test func anImageIsDescribed() async throws {
        let fixture = try await DaemonFixture.make()
        let inspect = try await fixture.engine.inspectImage(DaemonFixture.image)
        #expect(inspect.Id.hasPrefix("sha256:") && inspect.RepoTags.contains(DaemonFixture.image))
        #expect(inspect.Os == "linux" && inspect.Size > 0 && inspect.RootFS.Layers.count == 1)
        #expect(RFC3339.nanoseconds(inspect.Created) != nil)
        let listed = try await fixture.engine.listImages(filters: ["reference": [DaemonFixture.image]])
        #expect(listed.map(\.Id) == [inspect.Id] && listed[0].Size == inspect.Size)
        #expect(try await fixture.engine.imageHistory(inspect.Id).count == 1)
    }

    @Test func tagsComeAndGo() async throws {
        let fixture = try await DaemonFixture.make()
        let engine = fixture.engine
        try await engine.tagImage(DaemonFixture.image, repo: "localhost:5000/a/b", tag: "x")
        #expect(try await engine.inspectImage("localhost:5000/a/b:x").RepoTags.contains("localhost:5000/a/b:x"))
        let removed = try await engine.removeImage("localhost:5000/a/b:x")
        #expect(removed == [Docker.ImageDeleteResponseItem(Untagged: "localhost:5000/a/b:x", Deleted: nil)])
        let gone = await #expect(throws: DockerError.self) { try await engine.inspectImage("localhost:5000/a/b:x") }
        #expect(gone?.kind == .notFound)
    }

    @Test func anImportKeepsItsChangesAndIsRemovedWhole() async throws {
        let fixture = try await DaemonFixture.make()
        let engine = fixture.engine
        let chunks = try BusyboxImage.archive().chunks(of: 100_000)
        let id = try await engine.importImage(
            .stream(AsyncThrowingStream(chunks)), repo: "imported", tag: "1", message: "hello",
            changes: [#"CMD ["/bin/sh", "-c"]"#, "USER 7:8", "ENV A=b", "LABEL k=v", "WORKDIR /tmp"])
        let inspect = try await engine.inspectImage("imported:1")
        #expect(inspect.Id == id && inspect.Comment.contains("hello"))
        #expect(inspect.Config.Cmd == ["/bin/sh", "-c"] && inspect.Config.User == "7:8")
        #expect(inspect.Config.Env?.contains("A=b") == true && inspect.Config.Labels == ["k": "v"])
        try await fixture.withContainer(["true"]) {
            $0.config.Image = id
        } _: { _ in
            let used = await #expect(throws: DockerError.self) { try await engine.removeImage(id) }
            #expect(used?.kind == .conflict)
        }
        #expect(try await engine.removeImage("imported:1").contains { $0.Deleted == id })
    }

    @Test func aSavedImageIsLoadedAgain() async throws {
        let fixture = try await DaemonFixture.make()
        let engine = fixture.engine
        let id = try await engine.importImage(
            .bytes(BusyboxImage.archive()), repo: "saved", tag: "1", changes: ["LABEL only=saved"])
        let saved = try await engine.send(Request(.get, "/images/saved:1/get", deadline: nil)).body
        try await engine.removeImage("saved:1")
        let messages = try await engine.loadImage(.stream(AsyncThrowingStream(saved.chunks(of: 1 << 20))))
        #expect(messages.contains { $0.stream?.contains("Loaded image: saved:1") == true })
        #expect(try await engine.inspectImage("saved:1").Id == id)
        try await engine.removeImage("saved:1")
    }

    @Test func garbageIsNotLoaded() async throws {
        let fixture = try await DaemonFixture.make()
        await #expect(throws: DockerError.self) {
            try await fixture.engine.importImage(.bytes([UInt8](repeating: 7, count: 10_000)), repo: "garbage")
        }
        #expect(try await fixture.engine.listImages(filters: ["reference": ["garbage"]]).isEmpty)
    }

    @Test func aRegistryThatIsNotThereFailsThePull() async throws {
        let fixture = try await DaemonFixture.make()
        var auth = Docker.AuthConfig()
        auth.username = "u"
        auth.password = "p?~ÿ>"
        let error = await #expect(throws: DockerError.self) {
            for try await _ in try await fixture.engine.pullImage("127.0.0.1:1/none", tag: "1", auth: auth) {}
        }
        #expect(error?.kind == .serverError && error?.message.contains("connection refused") == true)
        let unknown = await #expect(throws: DockerError.self) {
            try await fixture.engine.inspectDistribution("127.0.0.1:1/none:1", auth: auth)
        }
        #expect(unknown?.message.contains("connection refused") == true)
    }
}

extension [UInt8] {
    fileprivate func chunks(of size: Int) -> [[UInt8]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min(count, $0 + size)]) }
    }
}

extension AsyncThrowingStream<[UInt8], any Error> {
    fileprivate init(_ chunks: [[UInt8]]) {
        self.init { continuation in
            for chunk in chunks { continuation.yield(chunk) }
            continuation.finish()
        }
    }
}
