import Glibc
import Linux
import Logging
import Testing

@testable import CNI

/// What a daemon finds that was killed, or that follows another runtime.
@Suite(.timeLimit(.minutes(1))) struct RecoveryTests {
    /// An ADD, then a DEL, in a process that a plugin kills; it is given nothing but the paths.
    private func addAndDie(_ bench: Bench, _ pod: Pod) async {
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [directory = bench.directory as String, netns = pod.request.netns as String] in
            let network = PodNetwork(
                settings: Bench.settings(directory),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            let request = PodAttachment(
                sandboxID: Pod.id(1), netns: netns, podName: "web", podNamespace: "shop", podUID: "6f1c")
            _ = try? await network.add(request)
            _ = try? await network.delete(request)
        }
    }

    @Test func killedBeforeThePluginDidAnything() async throws {
        let bench = try await Bench()
        try bench.installReference("host-local")
        try bench.install(
            "bridge",
            raw: """
                [ $CNI_COMMAND = ADD ] && kill -9 $PPID && exit 1
                exec nsenter --net=\(bench.host.path) \(Bench.referencePlugins)/bridge
                """)
        try bench.configureBridge()
        let pod = try await Pod()
        await addAndDie(bench, pod)
        try await expectAddLeftAndUndone(bench, leases: 0)
    }

    @Test func killedWhileThePluginGoesOn() async throws {
        let bench = try await Bench()
        try bench.installReference("host-local")
        // The plugin outlives its daemon, and takes its addresses when it is let go on.
        #expect(mkfifo("\(bench.directory)/go", 0o600) == 0)
        try bench.install(
            "bridge",
            raw: """
                input=$(cat)
                [ $CNI_COMMAND = ADD ] && kill -9 $PPID && read word < \(bench.directory)/go
                printf %s "$input" | nsenter --net=\(bench.host.path) \(Bench.referencePlugins)/bridge
                """)
        try bench.configureBridge()
        let pod = try await Pod()
        await addAndDie(bench, pod)
        try await expectAddLeftAndUndone(bench, leases: 0) { try Files.poke("\(bench.directory)/go", "on\n") }
        // It had ended before the DEL, not after it.
        #expect(try await bench.network().addresses(netns: pod.request.netns).count == 2)
    }

    @Test func killedInTheSecondPlugin() async throws {
        let bench = try await Bench()
        try bench.installReference("bridge", "host-local")
        try bench.install("last", raw: "[ $CNI_COMMAND = ADD ] && kill -9 $PPID; exit 0")
        try bench.configureBridge(#",{"type":"last"}"#)
        let pod = try await Pod()
        await addAndDie(bench, pod)
        #expect(bench.leases().count == 2)
        try await expectAddLeftAndUndone(bench, leases: 2)
    }

    private func expectAddLeftAndUndone(
        _ bench: Bench, leases: Int, release: @escaping @Sendable () throws -> Void = {}
    ) async throws {
        #expect(bench.leases().count == leases)
        // Another network by now: the journal knows the one that the ADD used.
        try bench.configure(Script.list("changed"))
        let network = bench.network()
        #expect(try await network.pending() == [PendingOperation(verb: .add, sandboxID: Pod.id(1), network: "test")])
        // Alive, and where its namespace is nobody knows: its address must not be given to another.
        #expect(await network.reconcile(live: [Pod.id(1)]).isEmpty)
        #expect(try await network.pending().count == 1)
        async let failures = network.reconcile(live: [])
        try await DedicatedThread.run(release)
        #expect(await failures.isEmpty)
        #expect(try await network.pending().isEmpty)
        #expect(bench.leases().isEmpty && bench.names("cache/results").isEmpty)
    }

    @Test func killedInDelete() async throws {
        let bench = try await Bench()
        try bench.installReference("bridge", "host-local")
        try bench.install("last", raw: "[ $CNI_COMMAND = DEL ] && kill -9 $PPID; \(Script.good)")
        try bench.configureBridge(#",{"type":"last"}"#)
        let pod = try await Pod()
        await addAndDie(bench, pod)
        #expect(bench.leases().count == 2)
        try bench.install("last", raw: Script.good)
        let network = bench.network()
        #expect(try await network.pending().map(\.verb) == [.delete])
        #expect(await network.reconcile(live: [Pod.id(1)], namespaces: [Pod.id(1): pod.request.netns]).isEmpty)
        #expect(try await network.pending().isEmpty)
        #expect(bench.leases().isEmpty)
        #expect(try await bench.hostInterfaces().isEmpty)
        #expect(try await network.addresses(netns: pod.request.netns).isEmpty)
    }

    @Test func addThatOnlyLacksItsEndStays() async throws {
        let bench = try await Bench()
        let network = try bench.bridgeNetwork()
        let pod = try await Pod()
        _ = try await network.add(pod.request)
        // Killed between the cache and the end of the journal entry.
        let cached = try JSONValue(parsing: Files.read("\(bench.directory)/cache/results/test-\(Pod.id(1))-eth0"))
        let attachment = try Attachment(document: cached)
        _ = try network.journal.begin(
            AttachmentJournal.Record(verb: .add, sandboxID: Pod.id(1), started: 1, attachments: [attachment]))
        #expect(await network.reconcile(live: [Pod.id(1)]).isEmpty)
        #expect(try await network.pending().isEmpty)
        #expect(bench.leases().count == 2)
        #expect(await network.reconcile(live: []).isEmpty)
        #expect(bench.leases().isEmpty)
    }

    @Test func orphansAreFoundAndFreed() async throws {
        let bench = try await Bench()
        let network = try bench.bridgeNetwork()
        var pods: [Pod] = []
        for number in 1...5 {
            pods.append(try await Pod(number))
            _ = try await network.add(pods[number - 1].request)
        }
        let live: Set = [Pod.id(2), Pod.id(4), "unknown"]
        #expect(try await network.orphans(live: live) == [Pod.id(1), Pod.id(3), Pod.id(5)])
        #expect(await bench.network().reconcile(live: live).isEmpty)
        #expect(bench.leases().sorted() == ["10.77.0.3", "10.77.0.5", "fd00:77::3", "fd00:77::5"])
        #expect(try await network.orphans(live: live).isEmpty)
    }

    @Test func whatCannotBeCleanedIsToldAndTriedAgain() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one"))
        try bench.install("one", Script.fails("DEL"))
        let network = bench.network()
        let pod = try await Pod()
        _ = try await network.add(pod.request)
        let failures = await network.reconcile(live: [])
        #expect(failures.keys.sorted() == [Pod.id(1)])
        #expect(failures[Pod.id(1)] as? CNIError != nil)
        try bench.install("one", Script.good)
        #expect(await network.reconcile(live: []).isEmpty)
        #expect(bench.names("cache/results").isEmpty && bench.names("journal").isEmpty)
    }

    /// The files that dockershim and cri-dockerd leave: libcni's cache of the pod network and of its loopback, which has
    /// addresses too, and is filed under `lo` by the one and under the pod's interface by the other.
    @Test(arguments: ["lo", "eth0"]) func podsOfDockershimAreKnownAndTornDown(_ interface: String) async throws {
        let bench = try await Bench()
        try bench.installReference("bridge", "host-local")
        try bench.install("loopback", raw: "exit 1")
        try bench.configureBridge()
        let pod = try await Pod()
        let result = try await bench.network().add(pod.request)
        let loopback = Base64.encode(
            Array(#"{"cniVersion":"0.2.0","name":"cni-loopback","plugins":[{"type":"loopback"}]}"#.utf8))
        try bench.write(
            "cache/results/cni-loopback-\(Pod.id(1))-\(interface)",
            #"""
            {"kind":"cniCacheV1","containerId":"\#(Pod.id(1))","config":"\#(loopback)","ifName":"\#(interface)",
            "networkName":"cni-loopback","netns":"/proc/1/ns/net","cniArgs":[["IgnoreUnknown","1"]],
            "result":{"cniVersion":"0.2.0","ip4":{"ip":"127.0.0.1/8"},"ip6":{"ip":"::1/128"},"dns":{}}}
            """#)
        try Files.remove("\(bench.directory)/net.d/10-test.conflist")
        let network = bench.network()
        #expect(try await network.cachedResult(sandboxID: Pod.id(1)) == result)
        #expect(try await network.isInUse(sandboxID: Pod.id(1)))
        try await network.delete(pod.request)
        #expect(try await !network.isInUse(sandboxID: Pod.id(1)))
        #expect(bench.leases().isEmpty && bench.names("cache/results").isEmpty)
    }

    /// Before 0.8 libcni kept the plain result.
    @Test func plainResultsOfOldCachesServe() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one"))
        try bench.install("one", Script.good)
        try Files.makeDirectories("\(bench.directory)/cache/results")
        let name = "cache/results/test-\(Pod.id(1))-eth0"
        try bench.write(name, #"{"cniVersion":"0.4.0","ips":[{"version":"4","address":"10.3.0.7/24"}]}"#)
        let network = bench.network()
        #expect(try await network.orphans(live: []) == [Pod.id(1)])
        #expect(await network.reconcile(live: []).isEmpty)
        #expect(try bench.input("one", "DEL")["prevResult"]?["ips"]?.array?.first?["address"] == .string("10.3.0.7/24"))
        #expect(bench.names("cache/results").isEmpty)
        // Without any network they stay until there is one.
        try bench.write(name, "{}")
        try Files.remove("\(bench.directory)/net.d/10-test.conflist")
        #expect(await bench.network().reconcile(live: []).isEmpty)
        #expect(bench.names("cache/results").count == 1)
    }

    @Test(arguments: [
        "", "rubbish", "[]", "{}", #"{"kind":"cniCacheV1"}"#,
        #"{"kind":"cniCacheV1","config":"%%%%","containerId":"x"}"#,
        #"{"kind":"cniCacheV1","config":"e30=","containerId":"../../etc","ifName":"eth0","networkName":"n"}"#,
        #"{"verb":"ADD","attachments":[{}]}"#, #"{"verb":"EAT"}"#, #"{"verb":"DEL","attachments":7,"started":"x"}"#,
    ])
    func damagedFilesDoNotBlockTheTeardown(_ text: String) async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one"))
        try bench.install("one", Script.good)
        try Files.makeDirectories("\(bench.directory)/cache/results")
        try bench.write("cache/results/test-\(Pod.id(1))-eth0", text)
        try bench.write("journal/\(Pod.id(1)).json", text)
        try bench.write("journal/.hidden.json", text)
        try bench.write("journal/not an id.json", text)
        let network = bench.network()
        #expect(try await network.pending().map(\.sandboxID) == [Pod.id(1)])
        let pod = try await Pod()
        try await network.delete(pod.request)
        #expect(bench.calls() == ["DEL one"])
        #expect(try await network.pending().isEmpty)
        #expect(bench.names("cache/results").filter { !text.contains("etc") || $0.isEmpty }.isEmpty)
    }

    @Test func deleteWithoutAnyRecordUsesThePresentNetwork() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one"))
        try bench.install("one", Script.good)
        let pod = try await Pod()
        try await bench.network().delete(pod.request)
        #expect(bench.calls() == ["DEL one"])
        // Of an id alone nothing is known, and without a network nothing can be done: neither blocks.
        try bench.forgetCalls()
        try await bench.network().delete(sandboxID: Pod.id(1))
        try Files.remove("\(bench.directory)/net.d/10-test.conflist")
        try await bench.network().delete(pod.request)
        #expect(bench.calls().isEmpty)
    }

    @Test func addAfterAnUnfinishedOneStartsClean() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one"))
        try bench.install("one", Script.good)
        let pod = try await Pod()
        _ = try await bench.network().add(pod.request)
        _ = try await bench.network().add(pod.request)
        #expect(bench.calls() == ["ADD one", "DEL one", "ADD one"])
        #expect(bench.names("cache/results").count == 1)
    }

    /// In a process of its own, where nobody else opens anything.
    @Test func nothingIsLeftOpenOrRunning() async throws {
        await #expect(processExitsWith: .success) {
            let bench = try await Bench()
            try bench.configure(Script.list("one", "two", version: "1.1.0"))
            try bench.install("one", Script.good)
            let misdeeds = [
                Script.good, "exit 1", "sleep 1000", "setsid sleep 3 & \(Script.good)", "kill -9 $$", "yes",
                "exec >&-; sleep 1000",
            ]
            let network = bench.network {
                $0.addTimeout = .milliseconds(150)
                $0.deleteTimeout = .milliseconds(150)
                $0.statusTimeout = .milliseconds(150)
            }
            func round() async throws {
                for misdeed in misdeeds {
                    try bench.install("two", misdeed)
                    let pod = try await Pod()
                    _ = try? await network.add(pod.request)
                    _ = await network.status()
                    try? await network.check(pod.request)
                    try? await network.collectGarbage(live: [Pod.id(1)])
                    _ = try? await network.addresses(netns: pod.request.netns)
                    try bench.install("two", Script.good)
                    // On a busy machine the short time is too short for the good plugin too.
                    while (try? await network.delete(pod.gone)) == nil {}
                }
                let watch = Task { await network.run() }
                watch.cancel()
                await watch.value
            }
            try await round()
            let before = try Files.names(in: "/proc/self/fd").count
            try await round()
            // libdispatch may open an epoll, an event and a timer of its own meanwhile; a leak of ours would be many.
            #expect(try Files.names(in: "/proc/self/fd").count <= before + 3)
            #expect(waitpid(-1, nil, WNOHANG) == -1 && errno == ECHILD)
            #expect(bench.names("journal").isEmpty && bench.names("cache/results").isEmpty)
        }
    }
}
