import TestSupport
import Testing

@testable import DockerEngine

@Suite("Against a real dockerd: system", .timeLimit(.minutes(5)))
struct DaemonSystemTests {
    @Test func versionAndInfoAreRead() async throws {
        let fixture = try await DaemonFixture.make()
        let version = try await fixture.engine.version()
        #expect(try await fixture.engine.apiVersion >= .oldest)
        #expect(APIVersion(version.ApiVersion) != nil && APIVersion(version.MinAPIVersion) != nil)
        let info = try await fixture.engine.info()
        #expect(info.ServerVersion == version.Version)
        #expect(info.DockerRootDir == fixture.daemon.root + "/data")
        #expect(info.Runtimes[info.DefaultRuntime] != nil)
        #expect(info.CgroupDriver == "cgroupfs" && ["1", "2"].contains(info.CgroupVersion))
        #expect(info.NCPU > 0 && info.MemTotal > 0 && !info.KernelVersion.isEmpty)
        #expect(info.DriverStatus.allSatisfy { $0.count == 2 })
    }

    @Test func theNewestVersionCommonToBothIsSpoken() async throws {
        let fixture = try await DaemonFixture.make()
        let newest = try await fixture.engine.ping()
        #expect(newest.description == (try await fixture.engine.version()).ApiVersion)
        #expect(try await fixture.engine.apiVersion == min(newest, .newest))
    }

    @Test func eventsTellWhatHappens() async throws {
        let fixture = try await DaemonFixture.make()
        let events = try await fixture.engine.events(filters: ["type": ["container"], "label": ["events=1"]])
        var id = ""
        try await fixture.withContainer(["sh", "-c", "exit 3"]) { request in
            request.config.Labels = ["events": "1"]
        } _: { container in
            id = container
            try await fixture.engine.startContainer(container)
            _ = try await fixture.engine.waitContainer(container)
        }
        var actions: [String] = []
        for try await event in events {
            #expect(event.Actor.ID == id && event.Type == "container" && event.timeNano > 1_600_000_000_000_000_000)
            #expect(event.Actor.Attributes["events"] == "1")
            if event.Action == "die" { #expect(event.Actor.Attributes["exitCode"] == "3") }
            actions.append(event.Action)
            if event.Action == "destroy" { break }
        }
        #expect(["create", "start", "die", "destroy"].allSatisfy(actions.contains))
    }

    @Test func pastEventsEndWell() async throws {
        let fixture = try await DaemonFixture.make()
        let id = try await fixture.withContainer(["true"]) { $0 }
        let inspectedAt = try await fixture.engine.events(since: 1, until: 4_000_000_000_000_000_000)
        var created: Int64?
        for try await event in inspectedAt where event.Actor.ID == id {
            if event.Action == "create" { created = event.timeNano }
            if event.Action == "destroy" { break }
        }
        let since = try #require(created)
        var actions: [String] = []
        for try await event in try await fixture.engine.events(
            since: since, until: since + 1, filters: ["container": [id]])
        { actions.append(event.Action) }
        #expect(actions == ["create"])
    }

    @Test func dataUsageAndNetworksAreRead() async throws {
        let fixture = try await DaemonFixture.make()
        let usage = try await fixture.engine.dataUsage()
        #expect(usage.imageBytes > 0)
        #expect(usage.images.contains { $0.RepoTags.contains(DaemonFixture.image) })
        #expect(try await fixture.engine.listNetworks().map(\.Name).contains("none"))
    }

    @Test func aHundredCallsAtATimeAreAnswered() async throws {
        let fixture = try await DaemonFixture.make()
        try await fixture.withContainer(["true"]) { id in
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<100 { group.addTask { try await fixture.engine.inspectContainer(id).Id } }
                for try await answer in group { #expect(answer == id) }
            }
        }
    }
}

/// Tests that take the daemon away have one of their own.
@Suite("Against a dockerd that goes away", .timeLimit(.minutes(5)), .serialized)
struct DaemonRestartTests {
    @Test func aDaemonThatComesBackIsSpokenToAgain() async throws {
        try await DockerDaemon.with { try await Self.killAndRestart($0) }
    }

    private static func killAndRestart(_ daemon: DockerDaemon) async throws {
        let engine = try DockerEngine(endpoint: DockerEndpoint(.unix(path: daemon.socket)))
        let image = try await engine.importImage(.bytes(BusyboxImage.archive()), repo: "b", tag: "1")
        var config = Docker.ContainerConfig()
        config.Image = image
        config.Cmd = ["sleep", "1000"]
        var request = Docker.ContainerCreateRequest(config: config)
        request.HostConfig.NetworkMode = "none"
        let id = try await engine.createContainer(name: nil, request).Id
        try await engine.startContainer(id)
        let exec = try await engine.createExec(container: id, sleeping)
        let stream = try await engine.startExec(exec, tty: false)
        let waiting = Task { try await engine.waitContainer(id) }
        var events = try await engine.events().makeAsyncIterator()
        // Once it is seen, everything above is under way.
        let top = try await engine.topContainer(id)
        #expect(top.Processes.contains { $0.last?.contains("sleep 1000") == true })

        await daemon.kill()
        let lost = await #expect(throws: DockerError.self) { while try await events.next() != nil {} }
        #expect(lost?.kind == .unavailable)
        let unanswered = await #expect(throws: DockerError.self) { try await waiting.value }
        #expect(unanswered?.kind == .unavailable)
        #expect(try await stream.next() == nil)
        let refused = await #expect(throws: DockerError.self) { try await engine.inspectContainer(id) }
        #expect(refused?.kind == .unavailable)
        #expect(engine.knownAPIVersion == nil)

        try await daemon.start()
        #expect(try await engine.inspectContainer(id).Image == image)
        try await engine.removeContainer(id, force: true)
    }

    private static var sleeping: Docker.ExecConfig {
        var config = Docker.ExecConfig(Cmd: ["sleep", "1000"])
        config.AttachStdout = true
        return config
    }

    @Test func noDaemonIsAClearFailure() async throws {
        let failure = await #expect(throws: DockerDaemon.Failure.self) {
            try await DockerDaemon.start(arguments: ["--no-such-flag"])
        }
        #expect(failure?.description.contains("unknown flag: --no-such-flag") == true)
    }
}
