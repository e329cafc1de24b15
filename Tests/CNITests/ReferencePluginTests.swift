import Glibc
import Linux
import Testing

@testable import CNI

extension Bench {
    /// A dual-stack bridge with host-local addresses, as `network/10-fender.conflist` has it, inside the bench.
    func configureBridge(_ more: String = "", capacity: Int = 200) throws {
        try configure(
            #"""
            {"cniVersion":"1.0.0","name":"test","plugins":[
              {"type":"bridge","bridge":"fender0","isGateway":true,"ipMasq":true,"hairpinMode":true,
               "ipam":{"type":"host-local","dataDir":"\#(directory)/ipam","ranges":[
                 [{"subnet":"10.77.0.0/24","rangeStart":"10.77.0.2","rangeEnd":"10.77.0.\#(capacity + 1)"}],
                 [{"subnet":"fd00:77::/64"}]],
               "routes":[{"dst":"0.0.0.0/0"},{"dst":"::/0"}]}}\#(more)]}
            """#)
    }

    func bridgeNetwork() throws -> PodNetwork {
        try installReference("bridge", "host-local")
        try configureBridge()
        return network()
    }

    /// Interfaces of the host namespace other than `lo` and the bridge.
    func hostInterfaces() async throws -> [String] {
        try await shell(host, "ls /sys/class/net >/dev/null; ip -o link | cut -d: -f2 | cut -d@ -f1 | tr -d ' '")
            .split(separator: "\n").map(String.init).filter { $0 != "lo" && $0 != "fender0" && !$0.hasPrefix("ifb") }
    }

    func rules() async throws -> String {
        try await shell(host, "iptables-save; ip6tables-save")
    }
}

/// The client against the reference plugins, in namespaces of the test's own.
@Suite(.timeLimit(.minutes(1))) struct ReferencePluginTests {
    @Test func podGetsBothFamiliesAndGivesThemBack() async throws {
        let bench = try await Bench()
        let network = try bench.bridgeNetwork()
        let pod = try await Pod()
        let result = try await network.add(pod.request)
        #expect(result.podIPs == ["10.77.0.2", "fd00:77::2"])
        #expect(try await network.addresses(netns: pod.request.netns, result: result) == ["10.77.0.2", "fd00:77::2"])
        #expect(bench.leases().count == 2)
        try await network.check(pod.request)
        // Through the bridge, and over the loopback that is no plugin's.
        #expect(try await reaches(pod.namespace, "10.77.0.1", in: bench.host))
        #expect(try await reaches(pod.namespace, "127.0.0.1", in: pod.namespace))
        let second = try await Pod(2)
        #expect(try await network.add(second.request).podIPs == ["10.77.0.3", "fd00:77::3"])
        #expect(try await reaches(second.namespace, "10.77.0.2", in: pod.namespace))
        #expect(try await !reaches(second.namespace, "10.77.0.3", in: pod.namespace))
        for pod in [pod, second] { try await network.delete(pod.request) }
        #expect(bench.leases().isEmpty)
        #expect(try await bench.hostInterfaces().isEmpty)
        #expect(try await network.addresses(netns: pod.request.netns).isEmpty)
        #expect(try await !bench.rules().contains("CNI-"))
        #expect(bench.names("cache/results").isEmpty && bench.names("journal").isEmpty)
    }

    @Test func cacheIsWhatLibcniWrites() async throws {
        let bench = try await Bench()
        let network = try bench.bridgeNetwork()
        let pod = try await Pod()
        _ = try await network.add(pod.request)
        let path = "\(bench.directory)/cache/results/test-\(Pod.id(1))-eth0"
        let document = try JSONValue(parsing: Files.read(path))
        #expect(document["kind"] == .string("cniCacheV1"))
        #expect(document["containerId"] == .string(Pod.id(1)))
        #expect(document["ifName"] == .string("eth0"))
        #expect(document["networkName"] == .string("test"))
        #expect(document["netns"] == .string(pod.request.netns))
        #expect(document["cniArgs"]?.array?.first == .strings(["IgnoreUnknown", "1"]))
        let config = try #require(document["config"]?.string.flatMap(Base64.decode))
        #expect(
            try JSONValue(parsing: config)
                == JSONValue(parsing: Files.read("\(bench.directory)/net.d/10-test.conflist")))
        #expect(document["result"]?["ips"]?.array?.count == 2)
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test func deleteUsesTheConfigurationOfTheAdd() async throws {
        let bench = try await Bench()
        let network = try bench.bridgeNetwork()
        let pods = [try await Pod(1), try await Pod(2)]
        for pod in pods { _ = try await network.add(pod.request) }
        try bench.configure(Script.list("changed"))
        try bench.install("changed", Script.fails("DEL"))
        try await bench.network().delete(pods[0].request)
        try Files.remove("\(bench.directory)/net.d/10-test.conflist")
        try await bench.network().delete(pods[1].request)
        #expect(bench.leases().isEmpty)
        #expect(try await bench.hostInterfaces().isEmpty)
    }

    @Test func namespaceThatIsGoneFreesTheAddress() async throws {
        let bench = try await Bench()
        var gone: PodAttachment
        do {
            let network = try bench.bridgeNetwork()
            let pod = try await Pod()
            _ = try await network.add(pod.request)
            gone = pod.request
        }
        // The path of a process that has ended; no process has this number.
        gone.netns = "/proc/4194305/ns/net"
        try await bench.network().delete(gone)
        #expect(bench.leases().isEmpty)
        try await bench.network().delete(gone)
    }

    @Test func namespaceIsHeldForTheDelete() async throws {
        let bench = try await Bench()
        var network = try bench.bridgeNetwork()
        let gone = try await Pod()
        _ = try await network.add(gone.request)
        try await network.delete(gone.gone)
        #expect(try await !bench.rules().contains("CNI-"))
        #expect(try await network.addresses(netns: gone.request.netns).isEmpty)
        // So does a later daemon that was told of it.
        _ = try await network.add(gone.request)
        network = bench.network()
        await #expect(throws: CNIError.self) { try await network.hold(sandboxID: "x", netns: "/proc/self/ns/net") }
        try await network.hold(sandboxID: Pod.id(1), netns: gone.request.netns)
        try await network.delete(gone.gone)
        #expect(try await !bench.rules().contains("CNI-"))
        #expect(try await bench.hostInterfaces().isEmpty)
    }

    @Test func secondPluginThatFailsLeavesNothing() async throws {
        let bench = try await Bench()
        try bench.installReference("bridge", "host-local")
        try bench.install("bad", Script.fails("ADD"))
        try bench.configureBridge(#",{"type":"bad"}"#)
        let network = bench.network()
        let pod = try await Pod()
        let error = await #expect(throws: CNIError.self) { try await network.add(pod.request) }
        #expect(error?.plugin == "bad")
        #expect(bench.leases().isEmpty)
        #expect(try await bench.hostInterfaces().isEmpty)
        #expect(try await network.addresses(netns: pod.request.netns).isEmpty)
        #expect(try await !bench.rules().contains("CNI-"))
        #expect(bench.names("cache/results").isEmpty && bench.names("journal").isEmpty)
        // The sandbox can have its network after all.
        try bench.configureBridge()
        _ = try await bench.network().add(pod.request)
    }

    @Test func rangeThatIsUsedUpIsAnErrorAndFreesTheOtherFamily() async throws {
        let bench = try await Bench()
        try bench.installReference("bridge", "host-local")
        try bench.configureBridge(capacity: 1)
        let network = bench.network()
        let pods = [try await Pod(1), try await Pod(2)]
        _ = try await network.add(pods[0].request)
        await #expect(throws: CNIError.self) { try await network.add(pods[1].request) }
        #expect(bench.leases().sorted() == ["10.77.0.2", "fd00:77::2"])
        try await network.delete(pods[0].request)
        _ = try await network.add(pods[1].request)
    }

    @Test func hostPortsAndRatesComeAndGo() async throws {
        let bench = try await Bench()
        try bench.installReference("bridge", "host-local", "portmap", "bandwidth", "firewall", "tuning")
        try bench.configureBridge(
            #"""
            ,{"type":"portmap","snat":true,"capabilities":{"portMappings":true}},
            {"type":"firewall"},{"type":"bandwidth","capabilities":{"bandwidth":true}},
            {"type":"tuning","sysctl":{"net.ipv6.conf.eth0.accept_ra":"0"}}
            """#)
        let network = bench.network()
        var pod = try await Pod()
        pod.request.portMappings = [PortMapping(protocolName: "TCP", containerPort: 80, hostPort: 8080)]
        pod.request.annotations = [
            "kubernetes.io/ingress-bandwidth": "10M", "kubernetes.io/egress-bandwidth": "20M",
        ]
        _ = try await network.add(pod.request)
        let rules = try await bench.rules()
        #expect(rules.contains("--to-destination 10.77.0.2:80") && rules.contains("[fd00:77::2]:80"))
        #expect(try await bench.shell(bench.host, "tc qdisc").contains("tbf"))
        #expect(try await bench.shell(pod.namespace, "cat /proc/sys/net/ipv6/conf/eth0/accept_ra") == "0\n")
        try await network.delete(pod.gone)
        let left = try await bench.rules()
        #expect(!left.contains("10.77.0.2") && !left.contains("fd00:77::2"))
        #expect(try await !bench.shell(bench.host, "ip -o link").contains("ifb"))
        #expect(try await bench.hostInterfaces().isEmpty)
        #expect(bench.leases().isEmpty)
    }

    /// `network/10-fender.conflist` as it is shipped, but for the directory of its leases.
    @Test func shippedConfigurationServes() async throws {
        let bench = try await Bench()
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        var document = try JSONValue(parsing: Files.read("/\(root)/network/10-fender.conflist"))
        var plugins = try #require(document["plugins"]?.array)
        var ipam = try #require(plugins[0]["ipam"])
        ipam["dataDir"] = .string("\(bench.directory)/ipam")
        plugins[0]["ipam"] = ipam
        document["plugins"] = .array(plugins)
        try bench.configure(String(decoding: document.bytes, as: UTF8.self))
        try bench.installReference("bridge", "host-local", "portmap", "bandwidth", "firewall", "tuning")
        let network = bench.network()
        #expect(await network.status() == .good)
        var pod = try await Pod()
        pod.request.portMappings = [PortMapping(protocolName: "TCP", containerPort: 80, hostPort: 8080)]
        let result = try await network.add(pod.request)
        #expect(result.podIPs == ["10.83.0.2", "fd5a:3c1e:90b7::2"])
        #expect(try await bench.shell(pod.namespace, "cat /proc/sys/net/ipv6/conf/eth0/accept_ra") == "0\n")
        // Docker's policy, with what the README says about it.
        try await bench.shell(
            bench.host,
            "iptables -P FORWARD DROP; iptables -A CNI-ADMIN -o fender0 -m conntrack --ctstate DNAT -j ACCEPT")
        #expect(try await reaches(bench.host, "127.0.0.1", in: pod.namespace, listening: 80, port: 8080))
        let outside = try await NetworkNamespace.create()
        try await bench.shell(
            bench.host,
            """
            ip link add out type veth peer name eth0
            ip link set eth0 netns \(outside.path)
            ip addr add 192.0.2.1/24 dev out; ip link set out up
            nsenter --net=\(outside.path) sh -c 'ip addr add 192.0.2.2/24 dev eth0; ip link set eth0 up'
            """)
        #expect(try await reaches(outside, "192.0.2.1", in: pod.namespace, listening: 80, port: 8080))
        try await network.delete(pod.request)
        #expect(bench.leases("fender").isEmpty)
        #expect(try await bench.hostInterfaces() == ["out"])
    }

    @Test func manyPodsAtOnceLeaveNothing() async throws {
        let bench = try await Bench()
        let network = try bench.bridgeNetwork()
        var pods: [Pod] = []
        for number in 1...12 { pods.append(try await Pod(number)) }
        let addresses = try await withThrowingTaskGroup { group in
            for pod in pods { group.addTask { try await network.add(pod.request).podIPs[0] } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(addresses.count == 12)
        try await withThrowingTaskGroup { group in
            for pod in pods { group.addTask { try await network.delete(pod.request) } }
            try await group.waitForAll()
        }
        #expect(bench.leases().isEmpty)
        #expect(try await bench.hostInterfaces().isEmpty)
        #expect(bench.names("cache/results").isEmpty && bench.names("journal").isEmpty)
    }
}

/// Whether a TCP connection from one namespace to `address` reaches a listener in another that listens on all addresses.
///
/// - Parameter port: the port to connect to; nil is the one listened on.
private func reaches(
    _ from: NetworkNamespace, _ address: String, in other: NetworkNamespace, listening: UInt16 = 0, port: UInt16? = nil
) async throws -> Bool {
    let listener = try await other.run { Held(try tcpSocket()) }
    let bound = try await DedicatedThread.run {
        let raw = listener.descriptor.raw
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = listening.bigEndian
        _ = try withAddress(&name) { pointer, length in try system("bind") { bind(raw, pointer, length) } }
        try system("listen") { listen(raw, 1) }
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = try withAddress(&name) { pointer, _ in try system("getsockname") { getsockname(raw, pointer, &length) } }
        return name.sin_port
    }
    return try await from.run {
        let socket = try tcpSocket()
        let raw = socket.raw
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        try system("setsockopt") {
            setsockopt(raw, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = inet_addr(address)
        name.sin_port = port?.bigEndian ?? bound
        return try withAddress(&name) { pointer, length in connect(raw, pointer, length) == 0 }
    }
}

private final class Held: Sendable {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}

private func tcpSocket() throws -> Descriptor {
    let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    let opened = Descriptor(owning: try system("socket") { socket(AF_INET, kind, 0) })
    let raw = opened.raw
    var yes: CInt = 1
    try system("setsockopt") {
        setsockopt(raw, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
    }
    return opened
}

private func withAddress<Value>(
    _ name: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) throws -> Value
) throws -> Value {
    try withUnsafeMutablePointer(to: &name) { pointer in
        try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            try body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}
