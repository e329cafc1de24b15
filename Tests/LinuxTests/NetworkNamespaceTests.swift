import Glibc
import Testing

@testable import Linux

@Suite(.timeLimit(.minutes(1))) struct NetworkNamespaceTests {
    /// Runs `ip` inside a namespace.
    private func ip(_ namespace: NetworkNamespace, _ arguments: String...) async throws {
        var command = Command("/usr/bin/nsenter")
        command.arguments = ["--net=\(namespace.path)", "ip"] + arguments
        command.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        let outcome = try await command.run()
        try #require(outcome.status == .exited(0), "\(String(decoding: outcome.errors, as: UTF8.self))")
    }

    @Test func newNamespaceIsNotOurs() async throws {
        let first = try await NetworkNamespace.create()
        let second = try await NetworkNamespace.create()
        #expect(try !first.isOwn())
        #expect(try !first.isSame(as: second))
        #expect(try NetworkNamespace(path: first.path).isSame(as: first))
        #expect(try NetworkNamespace(path: "/proc/self/ns/net").isOwn())
    }

    @Test func workInsideDoesNotMoveTheProcess() async throws {
        let namespace = try await NetworkNamespace.create()
        let inside = try await namespace.run { try NetworkNamespace(path: "/proc/thread-self/ns/net") }
        #expect(try inside.isSame(as: namespace))
        let here = try await DedicatedThread.run { try NetworkNamespace(path: "/proc/thread-self/ns/net").isOwn() }
        #expect(here)
    }

    @Test func loopbackComesUp() async throws {
        let namespace = try await NetworkNamespace.create()
        let connects: @Sendable () throws -> Bool = {
            let opened = Descriptor(owning: try system("socket") { socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0) })
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            address.sin_port = 9
            let raw = opened.raw
            return withUnsafePointer(to: address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(raw, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        }
        #expect(try await !namespace.run(connects))
        try await namespace.bringLoopbackUp()
        try await namespace.bringLoopbackUp()
        #expect(try await namespace.run(connects))
        #expect(try await namespace.addresses(of: "lo").isEmpty)
    }

    @Test func addressesAreTheGlobalOnesOfTheInterface() async throws {
        let namespace = try await NetworkNamespace.create()
        try await ip(namespace, "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
        #expect(try await namespace.addresses(of: "eth0").isEmpty)
        try await ip(namespace, "addr", "add", "10.9.8.7/24", "dev", "eth0")
        try await ip(namespace, "addr", "add", "10.9.8.8/32", "peer", "10.9.8.1", "dev", "eth0")
        try await ip(namespace, "addr", "add", "169.254.1.1/16", "scope", "link", "dev", "eth0")
        try await ip(namespace, "addr", "add", "fd00:0:0::7/64", "nodad", "dev", "eth0")
        try await ip(namespace, "addr", "add", "10.1.1.1/24", "dev", "eth1")
        try await ip(namespace, "link", "set", "eth0", "up")
        try await ip(namespace, "link", "set", "eth1", "up")
        #expect(
            try await namespace.addresses(of: "eth0") == [
                InterfaceAddress(address: "10.9.8.7", prefixLength: 24, isIPv6: false),
                InterfaceAddress(address: "10.9.8.8", prefixLength: 32, isIPv6: false),
                InterfaceAddress(address: "fd00::7", prefixLength: 64, isIPv6: true),
            ])
        #expect(try await namespace.addresses(of: "nosuch0").isEmpty)
    }

    @Test func manyAddressesNeedSeveralDatagrams() async throws {
        let namespace = try await NetworkNamespace.create()
        try await ip(namespace, "link", "add", "eth0", "type", "veth")
        var script = Command("/usr/bin/nsenter")
        script.arguments = ["--net=\(namespace.path)", "ip", "-batch", "-"]
        script.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        script.input = Array(
            (0..<1000).map { "addr add 10.2.\($0 / 250).\($0 % 250 + 1)/32 dev eth0\n" }.joined().utf8)
        #expect(try await script.run().status == .exited(0))
        #expect(Set(try await namespace.addresses(of: "eth0").map(\.address)).count == 1000)
    }

    @Test(arguments: ["/proc/self/ns/mnt", "/etc/hostname", "/dev/null", "/tmp", "/proc/0/ns/net", ""])
    func whatIsNoNetworkNamespaceIsNotOpened(_ path: String) {
        #expect(throws: SystemError.self) { try NetworkNamespace(path: path) }
    }

    @Test func goneNamespaceThrows() {
        #expect(throws: SystemError.self) { try NetworkNamespace(path: "/proc/0/ns/net") }
    }

    @Test(
        arguments: [
            ("10.0.0.1", "10.0.0.1"), ("FD00:0:0:0::1", "fd00::1"), ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
            ("10.0.0.1/24", nil), ("", nil), ("host", nil),
        ] as [(String, String?)])
    func canonicalAddress(_ text: String, _ expected: String?) {
        #expect(InterfaceAddress.canonical(text) == expected)
    }

    /// In a process of its own, where nobody else opens anything.
    @Test func nothingIsLeftOpen() async throws {
        await #expect(processExitsWith: .success) {
            _ = try await NetworkNamespace.create().addresses(of: "lo")
            let before = try Files.names(in: "/proc/self/fd").count
            for _ in 0..<50 {
                _ = try await NetworkNamespace.create().addresses(of: "lo")
                _ = try? NetworkNamespace(path: "/etc/hostname")
            }
            // libdispatch may open an epoll, an event and a timer of its own meanwhile; a leak of ours would be many.
            #expect(try Files.names(in: "/proc/self/fd").count <= before + 3)
        }
    }
}
