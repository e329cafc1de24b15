import Glibc
import Linux
import TestScratch
import Testing

@testable import Statistics

@Suite("Writable layers")
struct LayerTests {
    /// What du(1) would count.
    private func allocated(_ path: String) -> UInt64 {
        var status = stat()
        return lstat(path, &status) == 0 ? UInt64(status.st_blocks) * 512 : 0
    }

    @Test("bytes on disk and inodes, every file once")
    func counts() throws {
        let scratch = try Scratch()
        try scratch.directory("layer/a/b")
        let big = try scratch.write("layer/a/big", [UInt8](repeating: 7, count: 1 << 20))
        #expect(link(big, scratch("layer/a/b/again")) == 0)
        #expect(symlink("/", scratch("layer/root")) == 0)
        #expect(mkfifo(scratch("layer/fifo"), 0o600) == 0)
        let usage = try LayerWalk.measure(scratch("layer"))
        // layer, a, b, big, root, fifo
        #expect(usage.inodes == 6)
        let names = ["layer", "layer/a", "layer/a/b", "layer/a/big", "layer/root", "layer/fifo"]
        #expect(usage.bytes == names.reduce(0) { $0 + allocated(scratch($1)) })
        #expect(usage.bytes >= 1 << 20)
    }

    @Test("links out of the layer are not followed, wherever they stand")
    func links() throws {
        let scratch = try Scratch()
        try scratch.directory("layer")
        try scratch.directory("outside")
        for name in 0..<20 { try scratch.write("outside/\(name)", "x") }
        #expect(symlink("../outside", scratch("layer/away")) == 0)
        #expect(symlink("/proc/self/root", scratch("layer/proc")) == 0)
        #expect(try LayerWalk.measure(scratch("layer")).inodes == 3)
        #expect(symlink(scratch("outside"), scratch("link")) == 0)
        #expect(throws: SystemError.self) { try LayerWalk.measure(scratch("link")) }
    }

    @Test("a tree deeper than any path is walked with few descriptors")
    func deep() throws {
        let scratch = try Scratch()
        try scratch.directory("layer")
        // A process of its own, for it changes its working directory.
        let name = String(repeating: "d", count: 100)
        let child = try Child.spawn(
            "cd \(scratch("layer")) && for i in $(seq 1 60); do mkdir \(name) && cd -P \(name); done")
        Child.reap(child)
        let before = try Files.names(in: "/proc/self/fd").count
        #expect(try LayerWalk.measure(scratch("layer")).inodes == 61)
        #expect(try Files.names(in: "/proc/self/fd").count <= before + 4)
    }

    @Test("a layer that is not there has no usage")
    func absent() throws {
        let scratch = try Scratch()
        #expect(throws: SystemError.self) { try LayerWalk.measure(scratch("none")) }
        let scanner = LayerScanner()
        #expect(scanner.usage(of: "") == nil)
        #expect(scanner.usage(of: scratch("none")) == nil)
    }

    /// Waits for a fact, at most ten seconds.
    private func eventually(_ isSo: () -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < end {
            if isSo() { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    @Test("the first measurement comes by itself, and changes are seen later")
    func background() async throws {
        let scratch = try Scratch()
        try scratch.directory("layer")
        let scanner = LayerScanner(
            intervals: .init(shortest: .milliseconds(20), longestIdle: .milliseconds(40), share: 1))
        _ = scanner.usage(of: scratch("layer"))
        #expect(try await eventually { scanner.usage(of: scratch("layer"))?.inodes == 1 })
        try scratch.write("layer/new", "x")
        #expect(try await eventually { scanner.usage(of: scratch("layer"))?.inodes == 2 })
    }

    @Test("the thread ends when nobody asks any more, and begins anew")
    func end() async throws {
        let scratch = try Scratch()
        try scratch.directory("layer")
        let scanner = LayerScanner(intervals: .init(shortest: .milliseconds(5), share: 1, memory: .milliseconds(50)))
        #expect(scanner.usage(of: scratch("layer")) == nil)
        #expect(try await eventually { scanner.isIdle })
        #expect(scanner.usage(of: scratch("layer")) == nil)
        #expect(try await eventually { scanner.usage(of: scratch("layer")) != nil })
    }
}
