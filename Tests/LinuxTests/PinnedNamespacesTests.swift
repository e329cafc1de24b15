import Glibc
import Linux
import TestScratch
import Testing

struct PinnedNamespacesTests {
    @Test func theyLiveWithoutAProcess() async throws {
        let scratch = try Scratch()
        let pins = PinnedNamespaces(directory: "\(scratch.path)/pins")
        try await pins.make([.network, .ipc, .uts]) {
            try system("sethostname") { sethostname("inside", 6) }
        }
        #expect(PinnedNamespaces.Kind.allCases.filter(pins.isPinned) == [.network, .ipc, .uts])
        let network = try NetworkNamespace(path: pins.path(.network))
        #expect(try network.isOwn() == false)
        #expect(try await network.run { try Files.text("/proc/sys/kernel/hostname") } != "inside")
        try pins.release()
        #expect(!Files.exists(pins.directory))
        #expect(!PinnedNamespaces.Kind.allCases.contains(where: pins.isPinned))
        // Repeating it is fine.
        try pins.release()
    }

    @Test func aFailureLeavesNothing() async throws {
        let scratch = try Scratch()
        let pins = PinnedNamespaces(directory: "\(scratch.path)/pins")
        await #expect(throws: SystemError.self) {
            try await pins.make([.network]) { throw SystemError(call: "test", code: EINVAL) }
        }
        #expect(!Files.exists(pins.directory))
        #expect(try !MountTable.read().contains { $0.point.hasPrefix(scratch.path) })
    }

    @Test func onlyWhatIsAskedForIsNew() async throws {
        let scratch = try Scratch()
        let pins = PinnedNamespaces(directory: "\(scratch.path)/pins")
        try await pins.make([.uts]) {}
        #expect(pins.isPinned(.uts) && !pins.isPinned(.network))
        try pins.release()
    }

    /// The namespaces a process is in, by its links below /proc.
    private func names(_ pins: PinnedNamespaces) throws -> [String] {
        try PinnedNamespaces.Kind.allCases.map { kind in
            var status = stat()
            try system("stat") { stat(pins.path(kind), &status) }
            return "\(kind.rawValue):[\(status.st_ino)]"
        }
    }

    @Test func aUserNamespaceOwnsTheOthers() async throws {
        let scratch = try Scratch()
        let pins = PinnedNamespaces(directory: "\(scratch.path)/pins")
        let maps = IDMaps(
            users: [IDRange(inside: 0, host: 70_000, count: 10)], groups: [IDRange(inside: 0, host: 80_000, count: 10)])
        try await pins.make([.network, .ipc, .uts], maps: maps) {
            try system("sethostname") { sethostname("owned", 5) }
            // Limits of IPC are for the namespace's own root to set.
            #expect(throws: SystemError.self) { try Files.poke("/proc/sys/kernel/shmmni", "77") }
            try ThreadIdentity.acting(asUser: 70_000, group: 80_000) { try Files.poke("/proc/sys/kernel/shmmni", "77") }
            #expect(geteuid() == 0 && getegid() == 0)
        }
        defer { try? pins.release() }
        #expect(PinnedNamespaces.Kind.allCases.allSatisfy(pins.isPinned))
        #expect(Set(try names(pins)).count == 4)
        // Who is only in the user namespace has rights over the others.
        var command = Command("/usr/bin/nsenter")
        command.arguments =
            ["user", "net", "ipc", "uts"].map { "--\($0)=\(pins.directory)/\($0)" } + [
                "--setuid=0", "--setgid=0", "/bin/sh", "-c",
                "cat /proc/self/uid_map /proc/self/gid_map; hostname; cat /proc/sys/kernel/shmmni; ip link set lo up",
            ]
        command.environment = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin"]
        let outcome = try await command.run()
        #expect(outcome.status == .exited(0), "\(String(decoding: outcome.errors, as: UTF8.self))")
        let words = String(decoding: outcome.output, as: UTF8.self).split { " \n".contains($0) }
        #expect(words == ["0", "70000", "10", "0", "80000", "10", "owned", "77"])
    }

    @Test func aHolderEndsWithItsValue() throws {
        let range = IDRange(inside: 0, host: 1, count: 1)
        let pid: Int32
        do {
            let holder = try NamespaceHolder.make(IDMaps(users: [range], groups: [range]))
            pid = holder.pid
            #expect(Files.exists(holder.path(.user)))
            // It lets go of what it has of ours, and waits.
            for _ in 0..<1000 where try Files.names(in: "/proc/\(pid)/fd").count > 1 { usleep(1000) }
            #expect(try Files.names(in: "/proc/\(pid)/fd").count == 1)
        }
        #expect(!Files.exists("/proc/\(pid)"))
    }

    @Test(arguments: [(0, 1000), (9, 1009), (10, nil), (20, 5000), (21, nil)] as [(UInt32, UInt32?)])
    func idsOnTheHost(inside: UInt32, host: UInt32?) {
        let ranges = [IDRange(inside: 0, host: 1000, count: 10), IDRange(inside: 20, host: 5000, count: 1)]
        let maps = IDMaps(users: ranges, groups: ranges)
        #expect(maps.host(user: inside) == host && maps.host(group: inside) == host)
    }
}
