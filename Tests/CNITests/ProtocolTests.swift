import Glibc
import Linux
import Testing

@testable import CNI

/// What plugins are told, and what becomes of what they say; the plugins are shell scripts.
@Suite(.timeLimit(.minutes(1))) struct ProtocolTests {
    @Test func addRunsTheChainAndDeleteRunsItBackwards() async throws {
        let bench = try await Bench()
        try bench.configure(
            #"{"cniVersion":"1.0.0","name":"test","plugins":[{"type":"one","mtu":1450.0,"odd":[null]},{"type":"two"}]}"#
        )
        try bench.install("one", Script.good)
        try bench.install(
            "two", #"[ $CNI_COMMAND = ADD ] && echo '{"ips":[{"address":"10.9.9.9/24"}],"own":1e2}'; exit 0"#)
        let network = bench.network()
        let pod = try await Pod()
        let result = try await network.add(pod.request)
        #expect(result.podIPs == ["10.9.9.9"])
        #expect(result.cniVersion == "1.0.0")
        #expect(bench.calls() == ["ADD one", "ADD two"])
        let first = try bench.input("one", "ADD")
        #expect(
            String(decoding: first.bytes, as: UTF8.self)
                == #"{"type":"one","mtu":1450.0,"odd":[null],"name":"test","cniVersion":"1.0.0"}"#)
        let second = try bench.input("two", "ADD")
        #expect(second["prevResult"]?["ips"]?.array?.first?["address"] == .string("10.3.0.5/24"))
        #expect(
            try Files.text("\(bench.directory)/log/args")
                == "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1;K8S_POD_INFRA_CONTAINER_ID=\(Pod.id(1));K8S_POD_UID=6f1c-1"
        )
        #expect(try await network.cachedResult(sandboxID: Pod.id(1)) == result)
        #expect(try await network.pending().isEmpty)

        try bench.forgetCalls()
        try await network.delete(pod.request)
        #expect(bench.calls() == ["DEL two", "DEL one"])
        for plugin in ["one", "two"] {
            let previous = try bench.input(plugin, "DEL")["prevResult"]
            #expect(previous?["own"] == .number("1e2"))
            #expect(previous?["cniVersion"] == .string("1.0.0"))
        }
        #expect(bench.names("cache/results").isEmpty && bench.names("journal").isEmpty)
        // A repeated DEL has nothing to do.
        try bench.forgetCalls()
        try await network.delete(pod.request)
        #expect(bench.calls().isEmpty)
    }

    @Test func deleteBefore040GetsNoResult() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one", version: "0.3.1"))
        try bench.install("one", Script.good)
        let network = bench.network()
        let pod = try await Pod()
        _ = try await network.add(pod.request)
        try await network.delete(pod.request)
        #expect(try bench.input("one", "DEL")["prevResult"] == nil)
    }

    @Test func onlyDeclaredCapabilitiesAreGiven() async throws {
        let bench = try await Bench()
        try bench.configure(
            #"""
            {"cniVersion":"1.0.0","name":"test","plugins":[{"type":"one","capabilities":{"portMappings":true,"bandwidth":true,
            "dns":true,"ipRanges":true,"mac":true,"ips":true,"cgroupPath":true,"io.kubernetes.cri.pod-annotations":true}},
            {"type":"two","capabilities":{"bandwidth":false,"mac":true,"unknown":true}},{"type":"three"}]}
            """#)
        for plugin in ["one", "two", "three"] { try bench.install(plugin, Script.good) }
        let network = bench.network()
        network.podCIDRs = ["10.3.0.0/24", "fd00:3::/64"]
        var pod = try await Pod()
        pod.request.portMappings = [
            PortMapping(protocolName: "TCP", containerPort: 80, hostPort: 8080, hostIP: "127.0.0.1"),
            PortMapping(protocolName: "UDP", containerPort: 53, hostPort: 0),
        ]
        pod.request.annotations = ["kubernetes.io/ingress-bandwidth": "10M", "a": "b;c=\"d\""]
        pod.request.dns = NetworkDNS(nameservers: ["10.0.0.10"], search: ["svc"], options: ["ndots:5"])
        pod.request.cgroupPath = "/kubepods/pod1"
        pod.request.mac = "02:00:00:00:00:01"
        pod.request.ips = ["10.3.0.9"]
        _ = try await network.add(pod.request)
        let given = try bench.input("one", "ADD")["runtimeConfig"]
        #expect(
            String(decoding: try #require(given).bytes, as: UTF8.self)
                == #"{"portMappings":[{"hostPort":8080,"containerPort":80,"protocol":"tcp","hostIP":"127.0.0.1"}],"#
                + #""bandwidth":{"ingressRate":10000000,"ingressBurst":2147483647},"#
                + #""dns":{"servers":["10.0.0.10"],"searches":["svc"],"options":["ndots:5"]},"#
                + #""ipRanges":[[{"subnet":"10.3.0.0/24"}],[{"subnet":"fd00:3::/64"}]],"#
                + #""io.kubernetes.cri.pod-annotations":{"a":"b;c=\"d\"","kubernetes.io/ingress-bandwidth":"10M"},"#
                + #""cgroupPath":"/kubepods/pod1","mac":"02:00:00:00:00:01","ips":["10.3.0.9"]}"#)
        #expect(try bench.input("two", "ADD")["runtimeConfig"] == .object(["mac": .string("02:00:00:00:00:01")]))
        #expect(try bench.input("three", "ADD")["runtimeConfig"] == nil)
        // DEL is given them as ADD was, whatever the kubelet says by then.
        network.podCIDRs = []
        try await network.delete(sandboxID: pod.request.sandboxID)
        #expect(try bench.input("one", "DEL")["runtimeConfig"] == given)
    }

    enum Part: String, Sendable {
        case podName, podNamespace, podUID, sandboxID, interface, netns

        func set(_ value: String, in request: inout PodAttachment) {
            switch self {
            case .podName: request.podName = value
            case .podNamespace: request.podNamespace = value
            case .podUID: request.podUID = value
            case .sandboxID: request.sandboxID = value
            case .interface: request.interface = value
            case .netns: request.netns = value
            }
        }
    }

    @Test(
        arguments: [
            (.podName, "a;K8S_POD_NAMESPACE=kube-system"), (.podNamespace, "a=b"), (.podUID, "a\nb"),
            (.sandboxID, "../x"), (.sandboxID, ""), (.interface, "eth0/../x"), (.netns, "/nonexistent"), (.netns, ""),
            (.netns, "/proc/self/ns/net"), (.netns, "/proc/self/ns/mnt"), (.netns, "/etc/hostname"),
        ] as [(Part, String)])
    func requestsThatCannotBeAreRefusedBeforeAnyPlugin(
        _ part: Part, _ value: String
    ) async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one"))
        try bench.install("one", Script.good)
        var pod = try await Pod()
        part.set(value, in: &pod.request)
        await #expect(throws: CNIError.self) { try await bench.network().add(pod.request) }
        #expect(bench.calls().isEmpty)
        #expect(bench.names("journal").isEmpty)
    }

    @Test(arguments: ["1", "2P", "lots", "-5M"]) func bandwidthThatIsNoneIsRefused(_ text: String) async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one"))
        var pod = try await Pod()
        pod.request.annotations = ["kubernetes.io/egress-bandwidth": text]
        let error = await #expect(throws: CNIError.self) { try await bench.network().add(pod.request) }
        #expect(error?.code == .invalidRequest)
    }

    @Test func failedAddIsUndoneByTheWholeChain() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one", "two", "three"))
        try bench.install("one", Script.good)
        try bench.install("two", Script.fails("ADD", code: 11))
        try bench.install("three", Script.good)
        let network = bench.network()
        let pod = try await Pod()
        let error = await #expect(throws: CNIError.self) { try await network.add(pod.request) }
        #expect(error == CNIError(.tryAgainLater, verb: "ADD", plugin: "two", message: "no luck", details: "at all"))
        #expect("\(try #require(error))" == "CNI ADD two: no luck (code 11); at all")
        #expect(bench.calls() == ["ADD one", "ADD two", "DEL three", "DEL two", "DEL one"])
        #expect(bench.names("cache/results").isEmpty && bench.names("journal").isEmpty)
    }

    @Test func failedDeleteStopsStaysOnRecordAndIsTriedAgain() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one", "two"))
        try bench.install("one", Script.good)
        try bench.install("two", Script.fails("DEL"))
        let network = bench.network()
        let pod = try await Pod()
        _ = try await network.add(pod.request)
        await #expect(throws: CNIError.self) { try await network.delete(pod.request) }
        #expect(bench.calls().suffix(1) == ["DEL two"])
        #expect(try await network.pending() == [PendingOperation(verb: .delete, sandboxID: Pod.id(1), network: "test")])
        #expect(bench.names("cache/results") == ["test-\(Pod.id(1))-eth0"])
        try bench.install("two", Script.good)
        try await network.delete(pod.gone)
        #expect(bench.calls().suffix(2) == ["DEL two", "DEL one"])
        #expect(try await network.pending().isEmpty)
        #expect(bench.names("cache/results").isEmpty)
    }

    @Test func unknownContainerNeedsNoDelete() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one", "two"))
        try bench.install("one", Script.good)
        try bench.install("two", Script.fails("DEL", code: 3))
        let network = bench.network()
        let pod = try await Pod()
        _ = try await network.add(pod.request)
        try await network.delete(pod.request)
        #expect(bench.calls().suffix(2) == ["DEL two", "DEL one"])
    }

    @Test(arguments: [
        ("echo rubbish", CNIError.Code.badOutput), (":", .badOutput), ("echo '[1]'", .badOutput),
        ("echo null", .badOutput),
        ("head -c 8000000 /dev/zero", .badOutput), (#"printf '{"ips":\377'"#, .badOutput),
        ("echo oops >&2; exit 7", .died), ("kill -SEGV $$", .died), ("echo '{\"code\":100}'", .plugin(100)),
        ("echo '{\"code\":100,\"msg\":5}'; exit 1", .plugin(100)), ("echo rubbish; exit 1", .died),
        ("exec 0<&-; sleep 1000", .timedOut), ("trap '' TERM; while :; do sleep 1000; done", .timedOut),
        ("sleep 1000 & sleep 1000 & wait", .timedOut),
    ])
    func pluginsThatMisbehaveAreErrors(_ script: String, _ code: CNIError.Code) async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("bad"))
        try bench.install("bad", "[ $CNI_COMMAND = DEL ] && exit 0\n\(script)")
        let network = bench.network { $0.addTimeout = code == .timedOut ? .milliseconds(500) : .seconds(20) }
        let pod = try await Pod()
        let error = await #expect(throws: CNIError.self) { try await network.add(pod.request) }
        #expect(error?.code == code, "\(String(describing: error))")
        #expect(error?.plugin == "bad" && error?.verb == "ADD")
        // On a busy machine the time may be over before the script has noted its call.
        #expect(bench.calls().last == "DEL bad" && (code == .timedOut || bench.calls().count == 2))
        #expect(bench.names("journal").isEmpty)
    }

    @Test func silentErrorTellsStandardError() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("bad"))
        try bench.install("bad", "[ $CNI_COMMAND = DEL ] && exit 0; echo 'cannot reach\nthe store' >&2; exit 1")
        let pod = try await Pod()
        let error = await #expect(throws: CNIError.self) { try await bench.network().add(pod.request) }
        #expect(error?.details == "cannot reach the store")
    }

    @Test func daemonLeftByAPluginHoldsNothingUp() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one"))
        try bench.install(
            "one", "[ $CNI_COMMAND = ADD ] && { sleep 1000 & echo $! > \(bench.directory)/pid; }\n\(Script.good)")
        let network = bench.network()
        let pod = try await Pod()
        _ = try await network.add(pod.request)
        try await network.delete(pod.request)
        let daemon = try #require(pid_t(try Files.text("\(bench.directory)/pid")))
        #expect(kill(daemon, SIGKILL) == 0)
    }

    @Test func pluginThatIsNowhereIsToldByName() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("absent"))
        try Files.makeDirectories("\(bench.directory)/bin/absent")
        let pod = try await Pod()
        let error = await #expect(throws: CNIError.self) { try await bench.network().add(pod.request) }
        #expect(error?.code == .pluginNotFound)
        #expect(error?.plugin == "absent")
    }

    @Test func cancelledAddIsKilledAndUndone() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one"))
        #expect(mkfifo("\(bench.directory)/up", 0o600) == 0)
        try bench.install("one", "[ $CNI_COMMAND = DEL ] && exit 0; echo up > \(bench.directory)/up; sleep 1000")
        let network = bench.network()
        let pod = try await Pod()
        let task = Task { try await network.add(pod.request) }
        _ = try await DedicatedThread.run { try Files.text("\(bench.directory)/up") }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        // Waits for the DEL that goes on by itself, and finds nothing left to do.
        try await network.delete(pod.request)
        #expect(bench.calls().prefix(2) == ["ADD one", "DEL one"])
        #expect(bench.names("journal").isEmpty && bench.names("cache/results").isEmpty)
    }

    @Test func cancelledDeleteGoesOn() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one"))
        try bench.install("one", Script.good)
        let network = bench.network()
        let pod = try await Pod()
        _ = try await network.add(pod.request)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await network.delete(pod.request)
        }
        try await task.value
        #expect(bench.calls().last == "DEL one")
        #expect(bench.names("cache/results").isEmpty)
    }

    @Test func oneSandboxIsWorkedOnByOneCallAtATime() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one"))
        // Fails when another runs for the same container.
        try bench.install(
            "one",
            "mkdir \(bench.directory)/$CNI_CONTAINERID || exit 9; sleep 0.05; rmdir \(bench.directory)/$CNI_CONTAINERID\n\(Script.good)"
        )
        let network = bench.network()
        var pods: [Pod] = []
        for number in 1...3 { pods.append(try await Pod(number)) }
        try await withThrowingTaskGroup { group in
            for pod in pods {
                for _ in 0..<3 {
                    group.addTask { _ = try await network.add(pod.request) }
                    group.addTask { try await network.delete(pod.request) }
                }
            }
            try await group.waitForAll()
        }
        for pod in pods { try await network.delete(pod.request) }
        #expect(bench.names("cache/results").isEmpty)
    }

    @Test func deleteNeverPointsAtTheHostsNamespace() async throws {
        let bench = try await Bench()
        try bench.configure(Script.list("one"))
        try bench.install("one", Script.good)
        let network = bench.network()
        var pod = try await Pod()
        _ = try await network.add(pod.request)
        // The number of a pause process that died, given to a process of the host.
        pod.request.netns = "/proc/\(getpid())/ns/net"
        try await bench.network().delete(pod.request)
        let last = try Files.text("\(bench.directory)/log/calls").split(separator: "\n").last
        #expect(last == "DEL one \(Pod.id(1)) eth0 gone")
    }
}
