import Glibc
import Linux
import OCI
import TestScratch

@testable import Executor

/// A bundle of Debian's static busybox and a store, both gone with the test.
final class Bundle: Sendable {
    let scratch: Scratch
    let store: ContainerStore
    let id = "fender-test-\(UInt32.random(in: 0...UInt32.max))"

    /// What `process` and the document itself have beyond the usual.
    init(_ script: String, process: String = "", linux: String = "", more: String = "", cgroup: String = "/ID") throws {
        scratch = try Scratch()
        store = ContainerStore(root: scratch("state"), monitor: Self.monitor())
        try Files.makeDirectories(scratch("bundle/rootfs/bin"))
        try Files.makeDirectories(scratch("bundle/rootfs/out"))
        for name in ["sh", "cat", "grep", "sleep", "id", "readlink", "ls", "mount", "stat", "touch", "hostname"] {
            let path = scratch("bundle/rootfs/bin/\(name)")
            try system("link", path) { symlink("busybox", path) }
        }
        let file = try Files.read("/bin/busybox")
        try file.withUnsafeBytes { bytes in
            let target = try Descriptor.open(
                scratch("bundle/rootfs/bin/busybox"), O_WRONLY | O_CREAT, mode: 0o755)
            try target.writeAll(bytes)
        }
        try scratch.write("bundle/config.json", configuration(script, process, linux, more, cgroup))
    }

    private func configuration(
        _ script: String, _ process: String, _ linux: String, _ more: String, _ cgroup: String
    ) -> String {
        let arguments = JSON.array(["sh", "-c", script].map { .string($0) })
        return """
            {"ociVersion":"1.2.0","root":{"path":"rootfs"},
            "process":{"cwd":"/","args":\(arguments),"env":["PATH=/bin"]\(process)},
            "mounts":[{"destination":"/proc","type":"proc","source":"proc"},
            {"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["mode=755"]},
            {"destination":"/dev/pts","type":"devpts","source":"devpts",
            "options":["newinstance","ptmxmode=0666","mode=0620"]},
            {"destination":"/out","type":"bind","source":"\(scratch("out"))","options":["bind"]}],
            "linux":{"cgroupsPath":"\(cgroup.replacing("ID", with: id))","namespaces":[{"type":"pid"},{"type":"mount"},{"type":"uts"},{"type":"ipc"}\
            ]\(linux)}\(more.replacing("OUT", with: scratch("out")))}
            """
    }

    /// Built beside the tests.
    private static func monitor() -> String {
        let own = (try? Files.linkTarget("/proc/self/exe")) ?? ""
        // The test bundle is a program of its own, or loaded by one: its path is the one mapped.
        let maps = (try? Files.text("/proc/self/maps", limit: 16 << 20)) ?? ""
        let paths: [Substring] = maps.split(separator: "\n").compactMap { line in
            line.firstIndex(of: "/").map { line[$0...] }
        }
        for path in [own[...]] + paths {
            let directory = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
            if Files.exists("\(directory)/fender-monitor") { return "\(directory)/fender-monitor" }
        }
        return "fender-monitor"
    }

    /// Returns when the container has made a file in /out.
    func await(_ name: String) throws {
        let nobody = try WakeEvent()
        while true {
            let watch = try FileWatch([scratch("out")], events: FileWatch.directoryEvents)
            if Files.exists(scratch("out/\(name)")) { return }
            _ = watch.wait(nobody)
        }
    }

    /// What the script wrote to /out/NAME.
    func output(_ name: String = "o") throws -> String { try Files.text(scratch("out/\(name)")) }

    @discardableResult
    func create() throws -> Container {
        try Files.makeDirectories(scratch("out"))
        var options = ContainerStore.CreateOptions()
        options.bundle = scratch("bundle")
        return try store.create(id, options)
    }

    /// Makes it under a supervisor, with a log.
    func supervise(_ change: (inout SupervisorOptions) -> Void = { _ in }) throws -> Container {
        try Files.makeDirectories(scratch("out"))
        try Files.makeDirectories(scratch("log"))
        var options = SupervisorOptions(bundle: scratch("bundle"))
        options.logPath = scratch("log/0.log")
        change(&options)
        return try store.supervise(id, options)
    }

    /// Runs it under a supervisor to its end; it is still there.
    func superviseToEnd(_ change: (inout SupervisorOptions) -> Void = { _ in }) throws -> (Container, ExitRecord) {
        let container = try supervise(change)
        do {
            _ = try container.start()
            return (container, try end(of: container))
        } catch {
            _ = try? container.delete(force: true)
            throw error
        }
    }

    /// Waits for the record.
    func end(of container: Container) throws -> ExitRecord {
        guard container.waitForSupervisor(milliseconds: 30_000) else { throw ExecutorError("no end") }
        guard case .ended(let record) = container.supervision() else { throw ExecutorError("no record") }
        return record
    }

    /// The log's lines without their times: stream, tag, content.
    func log(_ name: String = "0.log") throws -> [String] {
        let bytes = try Files.read(scratch("log/\(name)"), limit: 64 << 20)
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.last?.isEmpty == true else { throw ExecutorError("the log does not end with a line's end") }
        return try lines.dropLast().map { line in
            guard line.count >= 31, line[line.startIndex + 30] == UInt8(ascii: " ") else {
                throw ExecutorError("no time: \(String(decoding: line, as: UTF8.self))")
            }
            return String(decoding: line.dropFirst(31), as: UTF8.self)
        }
    }

    /// Runs it to its end and removes it.
    func run() throws {
        let container = try create()
        do {
            _ = try container.start()
            let ended = container.record.process?.waitForEnd(milliseconds: 30_000)
            guard ended == true else { throw ExecutorError("no end") }
            _ = try container.delete(force: false)
        } catch {
            _ = try? container.delete(force: true)
            throw error
        }
    }

    /// What is left of it: state, cgroups.
    func remains() throws -> [String] {
        var left = try Files.names(in: store.root).filter { !$0.hasPrefix(".") }
        for mount in try MountTable.read() where mount.type == "cgroup" || mount.type == "cgroup2" {
            if Files.exists("\(mount.point)/\(id)") { left.append("\(mount.point)/\(id)") }
        }
        return left
    }
}
