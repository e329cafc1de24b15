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
        #expect(PinnedNamespaces.Kind.allCases.allSatisfy(pins.isPinned))
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
}
