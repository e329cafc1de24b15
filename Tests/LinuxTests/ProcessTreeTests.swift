import Glibc
import Linux
import TestScratch
import Testing

@Suite("Process trees")
struct ProcessTreeTests {
    /// The processes that carry a mark in their environment; ended ones have none.
    private static func marked(_ mark: String) throws -> [Int32] {
        try Files.names(in: "/proc").compactMap { Int32($0) }.filter { pid in
            guard let bytes = try? Files.read("/proc/\(pid)/environ") else { return false }
            return bytes.split(separator: 0).contains { $0.elementsEqual(mark.utf8) }
        }
    }

    @Test(
        "the whole tree goes, however it is grown",
        arguments: [
            "echo ready; exec sleep 1000",
            "sleep 1000 & sleep 1000 & echo ready; wait",
            "(sleep 1000 & (sleep 1000 & sleep 1000; true); true) & echo ready; exec sleep 1000",
            "trap '' TERM INT HUP; sh -c 'trap \"\" TERM; sleep 1000; true' & echo ready; wait; sleep 1000",
            "setsid sh -c 'sleep 1000; true' & echo ready; wait",
            "echo ready; i=0; while [ $i -lt 150 ]; do sh -c 'sleep 1000 & sleep 1000; true' & i=$((i+1)); done; wait",
        ])
    func killed(script: String) throws {
        let mark = "FENDER_TEST=\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        let root = try Child.spawn(script, environment: [mark], awaiting: "ready")
        #expect(try ProcessTree.kill(root))
        #expect(Child.reap(root) == SIGKILL)
        #expect(try Self.marked(mark) == [])
    }

    @Test("a stopped tree goes too")
    func stopped() throws {
        let mark = "FENDER_TEST=\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        let root = try Child.spawn("sleep 1000 & echo ready; wait", environment: [mark], awaiting: "ready")
        kill(root, SIGSTOP)
        #expect(try ProcessTree.kill(root))
        #expect(Child.reap(root) == SIGKILL)
        #expect(try Self.marked(mark) == [])
    }

    @Test(
        "what was orphaned in the root's session goes too, even after the root, but nobody unexpected",
        arguments: [
            "setsid --wait sh -c 'sh -c \"sleep 1000 & sleep 1000 & true\"; echo ready; exec sleep 1000'; exec sleep 1000",
            "setsid --wait sh -c 'sleep 1000 & true'; echo ready; exec sleep 1000",
        ])
    func orphans(script: String) throws {
        let mark = "FENDER_TEST=\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        let wrapper = try Child.spawn(script, environment: [mark], awaiting: "ready")
        let marked = try Self.marked(mark)
        let leaders = Set(marked.compactMap { pid in getsid(pid) }).subtracting([getsid(0)])
        let root = try #require(leaders.first)
        #expect(leaders.count == 1)
        let before = try Self.marked(mark).filter { getsid($0) == root }
        #expect(!before.isEmpty)
        #expect(try ProcessTree.kill(root) { _ in false })
        #expect(try Self.marked(mark).filter { getsid($0) == root } == before)
        #expect(try ProcessTree.kill(root) { $0 != wrapper })
        #expect(try Self.marked(mark) == [wrapper])
        try ProcessTree.kill(wrapper)
        Child.reap(wrapper)
    }

    @Test("an unexpected process is left alone")
    func unexpected() throws {
        let root = try Child.spawn("exec sleep 1000")
        #expect(try ProcessTree.kill(root) { _ in false })
        #expect(kill(root, 0) == 0)
        #expect(try ProcessTree.kill(root) { $0 == root })
        #expect(Child.reap(root) == SIGKILL)
    }

    @Test("a process that has ended or never was counts as gone")
    func gone() throws {
        let child = try Child.spawn("exit 0")
        #expect(Child.reap(child) == 0)
        #expect(
            try ProcessTree.kill(child) { _ in
                Issue.record("asked about nobody"); return false
            })
        #expect(try ProcessTree.kill(0x7fff_fffe))
    }

    @Test("init, process groups and ourselves are never killed", arguments: [1, 0, -1, -5, getpid()])
    func refused(pid: Int32) {
        #expect(throws: SystemError.self) { try ProcessTree.kill(pid) }
    }

    @Test("no descriptors stay open")
    func descriptors() throws {
        let before = try Files.names(in: "/proc/self/fd").count
        for _ in 0..<5 {
            let root = try Child.spawn("sleep 1000 & echo ready; wait", awaiting: "ready")
            #expect(try ProcessTree.kill(root))
            Child.reap(root)
        }
        // Tests beside this one hold a few.
        #expect(try Files.names(in: "/proc/self/fd").count < before + 5)
    }
}
