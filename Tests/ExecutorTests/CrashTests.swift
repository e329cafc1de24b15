import Glibc
import Linux
import OCI
import TestScratch
import Testing

@testable import Executor

private let canRun = getuid() == 0 && Files.exists("/bin/busybox")

/// The daemon dies before any step of what it does; what it leaves can be removed, or removes itself.
@Suite(.enabled(if: canRun), .serialized) struct CrashTests {
    /// The signal that ended the probe: SIGKILL, or 0 once there are no more steps.
    private func run(_ kind: String, _ bundle: Bundle, step: Int) throws -> Int32 {
        let monitor = bundle.store.monitor
        let probe = "\(monitor[..<(monitor.lastIndex(of: "/") ?? monitor.startIndex)])/executor-probe"
        let pid = try Spawn.run(
            probe,
            [
                "probe", kind, monitor, bundle.store.root, bundle.scratch("bundle"), bundle.scratch("log/0.log"),
                bundle.id, String(step),
            ])
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        #expect(status == 0 || status == SIGKILL, "step \(step)")
        return status & 0x7f
    }

    /// Whether a process has the log open: the supervisor, and what it makes until its exec.
    private func isHeld(_ log: String) throws -> Bool {
        try Files.names(in: "/proc").contains { name in
            guard Int32(name) != nil else { return false }
            return ((try? Files.names(in: "/proc/\(name)/fd")) ?? []).contains {
                (try? Files.linkTarget("/proc/\(name)/fd/\($0)")) == log
            }
        }
    }

    /// Nobody tells when an orphan has ended.
    private func wait(until isSo: () throws -> Bool) rethrows -> Bool {
        for _ in 0..<1000 {
            if try isSo() { return true }
            usleep(10_000)
        }
        return false
    }

    @Test func `a container whose maker died before any step can be removed`() throws {
        var step = 0
        var signal = SIGKILL
        while signal == SIGKILL {
            step += 1
            let bundle = try Bundle("exec sleep 1000")
            try Files.makeDirectories(bundle.scratch("out"))
            try Files.makeDirectories(bundle.scratch("log"))
            signal = try run("container", bundle, step: step)
            if let container = try? bundle.store.container(bundle.id) {
                _ = try container.delete(force: true)
            } else {
                _ = try bundle.store.deleteRemains(bundle.id)
            }
            #expect(try wait { try !isHeld(bundle.scratch("log/0.log")) }, "step \(step)")
            #expect(try bundle.remains().isEmpty, "step \(step)")
        }
        #expect(step > 8)
    }

    @Test func `an exec whose caller died before any step leaves nothing`() throws {
        let bundle = try Bundle("exec sleep 1000")
        let container = try bundle.supervise()
        defer { _ = try? container.delete(force: true) }
        _ = try container.start()
        let directory = try #require(container.cgroups.processDirectory)
        var step = 0
        var signal = SIGKILL
        while signal == SIGKILL {
            step += 1
            signal = try run("exec", bundle, step: step)
            // The attendant removes the cgroup when all else is gone.
            #expect(try wait { try container.processes() == [container.pid] }, "step \(step)")
            #expect(wait { CgroupDirectory.children(of: directory).isEmpty }, "step \(step)")
        }
        #expect(step > 4)
        #expect(container.supervision() == .supervised)
    }
}
