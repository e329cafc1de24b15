import Glibc
import Linux
import OCI
import TestScratch
import Testing

@testable import Executor

private let canRun = getuid() == 0 && Files.exists("/bin/busybox")

/// Processes in a running container whose streams and end are ours.
@Suite(.enabled(if: canRun), .serialized) struct SessionTests {
    private func running(_ body: (Container) throws -> Void) throws {
        let bundle = try Bundle("exec sleep 1000")
        let container = try bundle.supervise()
        defer { _ = try? container.delete(force: true) }
        _ = try container.start()
        try body(container)
        let directory = try #require(container.cgroups.processDirectory)
        #expect(CgroupDirectory.children(of: directory).isEmpty)
        _ = try container.delete(force: true)
        #expect(try bundle.remains().isEmpty)
    }

    private func exec(_ script: String, in container: Container) throws -> ExecSession {
        var process = try container.process()
        process.arguments = ["sh", "-c", script]
        return try container.exec(process, Container.SessionOptions())
    }

    @Test func `output and code are collected`() throws {
        try running { container in
            let script = "echo a; echo b >&2; read x || echo eof; ls /proc/self/fd; exit 7"
            let collected = try exec(script, in: container).collect(limit: 1000)
            // 0 to 2, and the directory that ls reads.
            #expect(collected.stdout == Array("a\neof\n0\n1\n2\n3\n".utf8))
            #expect(collected.stderr == Array("b\n".utf8))
            #expect(collected.code == 7)
            #expect(!collected.isCut)
        }
    }

    @Test func `much output arrives whole, and is cut where it must be`() throws {
        try running { container in
            let script = "busybox head -c 3000000 /dev/zero"
            let whole = try exec(script, in: container).collect(limit: 16 << 20)
            #expect(whole.stdout.count == 3_000_000)
            let cut = try exec(script, in: container).collect(limit: 100_000)
            #expect(cut.stdout.count == 100_000 && cut.isCut && cut.code == 0)
        }
    }

    @Test func `a deadline leaves nothing of it`() throws {
        try running { container in
            let script = "sleep 1001 & (setsid sleep 1002 &); trap '' TERM; echo x; while :; do sleep 1; done"
            let collected = try exec(script, in: container).collect(limit: 1000, deadline: .now + .milliseconds(1500))
            #expect(collected.code == nil)
            #expect(collected.stdout == Array("x\n".utf8))
            #expect(try container.processes() == [container.pid])
        }
    }

    @Test func `letting go of it leaves nothing of it`() throws {
        try running { container in
            var session: ExecSession? = try exec("(setsid sleep 1002 &); exec sleep 1001", in: container)
            let first = try #require(ProcessIdentity.find(session?.pid ?? 0))
            let all = try container.processes().filter { $0 != container.pid }.compactMap(ProcessIdentity.find)
            session = nil
            #expect(first.waitForEnd(milliseconds: 10_000))
            for process in all { #expect(process.waitForEnd(milliseconds: 10_000)) }
            try awaitNoCgroup(container)
        }
    }

    /// The attendant tells nobody that it has cleared up after who is gone.
    private func awaitNoCgroup(_ container: Container) throws {
        let directory = try #require(container.cgroups.processDirectory)
        for _ in 0..<1000 where !CgroupDirectory.children(of: directory).isEmpty { usleep(10_000) }
    }

    @Test func `what it leaves at its own end belongs to the container`() throws {
        try running { container in
            let collected = try exec("sleep 1001 & echo x; exit 4", in: container).collect(limit: 1000)
            #expect(collected.code == 4)
            #expect(collected.stdout == Array("x\n".utf8))
            #expect(try container.processes().count == 2)
        }
    }

    @Test func `it dies with who stays with it, and that is told`() throws {
        try running { container in
            let session = try exec("exec sleep 1001", in: container)
            let first = try #require(ProcessIdentity.find(session.pid))
            let attendant = try #require(ProcessIdentity.find(try parent(of: session.pid)))
            _ = try attendant.send(SIGKILL)
            let isTold = session.waitForExit(milliseconds: 10_000)
            #expect(isTold)
            #expect(first.waitForEnd(milliseconds: 10_000))
            let code = Result { try session.exitCode() }
            #expect(throws: ExecutorError.self) { try code.get() }
            let directory = try #require(container.cgroups.processDirectory)
            for name in CgroupDirectory.children(of: directory) { try CgroupDirectory.remove("\(directory)/\(name)") }
        }
    }

    private func parent(of pid: Int32) throws -> Int32 {
        let text = try Files.text("/proc/\(pid)/stat")
        return Int32(text.split(separator: " ")[3]) ?? 0
    }

    @Test(arguments: [
        (["none"], "exec: \"none\": executable file not found in $PATH"),
        (["/none"], "exec: \"/none\": no such file or directory"),
    ])
    func `a failure is told and undone`(arguments: [String], error: String) throws {
        try running { container in
            var process = try container.process()
            process.arguments = arguments
            let failed: String?
            do {
                _ = try container.exec(process, Container.SessionOptions())
                failed = nil
            } catch {
                failed = "\(error)"
            }
            #expect(failed == error)
            try awaitNoCgroup(container)
        }
    }

    @Test func `a terminal has a size and an end`() throws {
        try running { container in
            var process = try container.process()
            process.terminal = true
            process.consoleSize = (height: 30, width: 100)
            process.arguments = ["sh", "-c", "busybox stty size; read x; busybox stty size; echo $x; exit 5"]
            var session = try container.exec(process, Container.SessionOptions())
            let errors = session.stderr.number
            #expect(errors == -1)
            var text = try read(&session) { $0.contains("30 100") }
            try session.resize(rows: 40, columns: 120)
            try Array("abc\n".utf8).withUnsafeBytes { try session.stdout?.writeAll($0) }
            text += try read(&session) { _ in false }
            #expect(text.contains("40 120\r\nabc\r\n"))
            let hasEnded = session.waitForExit(milliseconds: 10_000)
            let code = try session.exitCode()
            #expect(hasEnded && code == 5)
        }
    }

    /// Reads until it is enough, or to the end.
    private func read(_ session: inout ExecSession, until isEnough: (String) -> Bool) throws -> String {
        var text = ""
        guard let raw = session.stdout?.raw else { return text }
        while !isEnough(text) {
            var entry = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 10_000) > 0 else { throw ExecutorError("no output") }
            guard let bytes = try session.stdout?.readAvailable() else { continue }
            if bytes.isEmpty { break }
            text += String(decoding: bytes, as: UTF8.self)
        }
        return text
    }
}
