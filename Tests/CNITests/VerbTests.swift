import Linux
import Testing

@testable import CNI

@Suite(.timeLimit(.minutes(1))) struct VerbTests {
    @Test func checkGetsTheResult() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one", "two"))
        for plugin in ["one", "two"] { try bench.install(plugin, Script.good) }
        let network = bench.network()
        let pod = try await Pod()
        await #expect(throws: CNIError.self) { try await network.check(pod.request) }
        _ = try await network.add(pod.request)
        try bench.forgetCalls()
        try await network.check(pod.request)
        #expect(bench.calls() == ["CHECK one", "CHECK two"])
        #expect(try bench.input("one", "CHECK")["prevResult"]?["ips"] != nil)
        try bench.install("two", Script.fails("CHECK", code: 101))
        let error = await #expect(throws: CNIError.self) { try await network.check(pod.request) }
        #expect(error?.code == .plugin(101))
    }

    @Test(arguments: [("0.3.1", ""), ("1.0.0", #","disableCheck":true"#), ("1.0.0", #","disableCheck":"true""#)])
    func checkThatIsNotToBe(_ version: String, _ extra: String) async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one", version: version, extra: extra))
        try bench.install("one", Script.good)
        let network = bench.network()
        let pod = try await Pod()
        _ = try await network.add(pod.request)
        try await network.check(pod.request)
        #expect(bench.calls() == ["ADD one"])
    }

    @Test func statusAsksPluginsOf110Only() async throws {
        let bench = try await Bench()
        try bench.install("one", Script.good)
        try bench.install("two", Script.fails("STATUS", code: 50))
        try bench.configure(Script.list("one", "two"))
        #expect(await bench.network().status() == .good)
        #expect(bench.calls().isEmpty)
        try bench.configure(Script.list("one", "two", version: "1.1.0"))
        let status = await bench.network().status()
        #expect(!status.ready && status.reason == "NetworkPluginNotReady")
        #expect(status.message == "network test: CNI STATUS two: no luck (code 50); at all")
        #expect(bench.calls() == ["STATUS one", "STATUS two"])
        #expect(try bench.input("one", "STATUS")["name"] == .string("test"))
        try bench.install("two", Script.good)
        #expect(await bench.network().status() == .good)
    }

    @Test func statusHasATimeAndIsShared() async throws {
        let bench = try await Bench()
        try bench.install("one", "sleep 1000")
        try bench.configure(Script.list("one", version: "1.1.0"))
        let network = bench.network { $0.statusTimeout = .milliseconds(300) }
        let answers = await withTaskGroup { group in
            for _ in 0..<20 { group.addTask { await network.status() } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.allSatisfy { !$0.ready && $0.message.contains("did not end in time") })
        #expect(bench.calls().count < 5)
    }

    @Test func garbageCollectionNamesTheLiving() async throws {
        let bench = try await Bench()
        try bench.install("one", Script.good)
        try bench.install("two", Script.fails("GC"))
        try bench.configure(Script.list("two", "one", version: "1.1.0"))
        let network = bench.network()
        var pods: [Pod] = []
        for number in 1...3 {
            pods.append(try await Pod(number))
            _ = try await network.add(pods[number - 1].request)
        }
        try bench.forgetCalls()
        let error = await #expect(throws: CNIError.self) {
            try await network.collectGarbage(live: [Pod.id(1), Pod.id(3)])
        }
        #expect(error?.plugin == "two")
        #expect(bench.calls() == ["DEL one", "DEL two", "GC two", "GC one"])
        let valid = JSONValue.array(
            [1, 3].map { .object(["containerID": .string(Pod.id($0)), "ifname": .string("eth0")]) })
        #expect(try bench.input("one", "GC")["cni.dev/valid-attachments"] == valid)
        #expect(try bench.input("one", "GC")["cni.dev/attachments"] == valid)
    }

    @Test(arguments: [("1.0.0", ""), ("1.1.0", #","disableGC":true"#)])
    func garbageCollectionThatIsNotToBe(_ version: String, _ extra: String) async throws {
        let bench = try await Bench()
        try bench.install("one", Script.good)
        try bench.configure(Script.list("one", version: version, extra: extra))
        try await bench.network().collectGarbage(live: [])
        #expect(bench.calls().isEmpty)
    }

    @Test func versionsAreAskedFor() async throws {
        let bench = try await Bench()
        try bench.installReference("portmap")
        try bench.install("mute", "exit 0")
        #expect(try await bench.network().versions(ofPlugin: "portmap").contains("1.0.0"))
        #expect(try await bench.network().versions(ofPlugin: "mute").isEmpty)
        for name in ["../portmap", "absent", ""] {
            await #expect(throws: CNIError.self) { try await bench.network().versions(ofPlugin: name) }
        }
    }

    @Test func locksLetOthersPassAndGarbageCollectionWait() async throws {
        let locks = AttachmentLocks()
        try await locks.acquire(.sandbox("a"))
        let everything = Task { try await locks.acquire(.everything) }
        // Another sandbox is not held up by the collection that waits.
        try await locks.acquire(.sandbox("b"))
        let second = Task { try await locks.acquire(.sandbox("a")) }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        locks.release(.sandbox("b"))
        locks.release(.sandbox("a"))
        try await everything.value
        let held = Task { try await locks.acquire(.sandbox("b")) }
        held.cancel()
        await #expect(throws: CancellationError.self) { try await held.value }
        locks.release(.everything)
        try await locks.acquire(.sandbox("b"))
        locks.release(.sandbox("b"))
        let early = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await locks.acquire(.sandbox("c"))
        }
        await #expect(throws: CancellationError.self) { try await early.value }
        try await locks.acquire(.sandbox("c"))
    }
}
