import CExecutor
import Glibc
import Linux
import OCI
import TestScratch
import Testing

@testable import Executor

private let canRun = getuid() == 0 && Files.exists("/bin/busybox")

/// Clients of a supervisor: output, input, terminals, and the log's rotation.
@Suite(.enabled(if: canRun), .serialized) struct AttachTests {
    private static let echo = "while read x; do echo got $x; done; echo eof; exit 9"

    private func supervised(
        _ script: String, process: String = "", _ change: (inout SupervisorOptions) -> Void,
        _ body: (Bundle, Container) throws -> Void
    ) throws {
        let bundle = try Bundle(script, process: process)
        let container = try bundle.supervise(change)
        defer { _ = try? container.delete(force: true) }
        try body(bundle, container)
        _ = try container.delete(force: true)
        #expect(try bundle.remains().isEmpty)
    }

    /// Reads as much as is expected, or to the end.
    private func expect(
        _ expected: String, from client: borrowing AttachedClient, toTheEnd: Bool = false,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        var text = ""
        while toTheEnd || text.utf8.count < expected.utf8.count {
            let message = try next(client)
            if case .output(let bytes) = message { text += String(decoding: bytes, as: UTF8.self) }
            if message == .end { break }
        }
        #expect(text == expected, sourceLocation: location)
    }

    private func next(_ client: borrowing AttachedClient) throws -> AttachedClient.Message {
        while true {
            var entry = pollfd(fd: client.socket.raw, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 20_000) > 0 else { throw ExecutorError("no message") }
            if let message = try client.receive() { return message }
        }
    }

    private func type(_ text: String, _ client: borrowing AttachedClient) throws {
        let isSent = try client.send(Array(text.utf8))
        #expect(isSent)
    }

    @Test func `all clients get the output, and any may write`() throws {
        try supervised(Self.echo, { $0.stdin = true }) { bundle, container in
            let first = try container.attach([.stdin, .stdout, .stderr])
            let second = try container.attach([.stdin, .stdout])
            let deaf = try container.attach(.stderr)
            _ = try container.start()
            try type("1\n", first)
            try expect("got 1\n", from: first)
            try type("2\n", second)
            try expect("got 1\ngot 2\n", from: second)
            // It is not for the first client alone, so that it stays open for more.
            _ = try second.closeInput()
            try type("3\n", first)
            try expect("got 2\ngot 3\n", from: first)
            try container.closeInput()
            try expect("eof\n", from: first, toTheEnd: true)
            try expect("", from: deaf, toTheEnd: true)
            #expect(try bundle.end(of: container).code == 9)
            #expect(try bundle.log() == ["stdout F got 1", "stdout F got 2", "stdout F got 3", "stdout F eof"])
            #expect { _ = try container.attach(.stdout) } throws: {
                "\($0)" == "attach to container \(container.id): it is not running"
            }
            #expect(throws: ExecutorError.self) { try container.reopenLog() }
        }
    }

    @Test(arguments: [true, false])
    func `the only client's input ends with it`(says: Bool) throws {
        let change = { (options: inout SupervisorOptions) in (options.stdin, options.stdinOnce) = (true, true) }
        try supervised(Self.echo, change) { bundle, container in
            _ = try container.start()
            var client: AttachedClient? = try container.attach([.stdin, .stdout])
            let other = try container.attach(.stdout)
            _ = try client?.send(Array("1\n".utf8))
            try expect("got 1\n", from: other)
            if says { _ = try client?.closeInput() } else { client = nil }
            try expect("eof\n", from: other, toTheEnd: true)
            #expect(try bundle.end(of: container).code == 9)
        }
    }

    @Test func `without an input the process reads nothing`() throws {
        try supervised(Self.echo, { _ in }) { bundle, container in
            let client = try container.attach([.stdin, .stdout])
            try type("1\n", client)
            _ = try container.start()
            try expect("eof\n", from: client, toTheEnd: true)
            #expect(try bundle.end(of: container).code == 9)
        }
    }

    @Test func `input that is not taken waits, and stops neither the others nor the process`() throws {
        try supervised("read x; sleep 1000", { $0.stdin = true }) { _, container in
            _ = try container.start()
            let client = try container.attach(.stdin)
            let piece = [UInt8](repeating: 0x78, count: AttachedClient.inputLimit)
            var sent = 0
            while try client.send(piece), sent < 10_000 { sent += 1 }
            #expect(sent < 10_000)
            // Another is served all the same.
            try container.reopenLog()
        }
    }

    @Test(arguments: [false, true])
    func `a client that does not read stops nobody, and learns what it missed`(readsBeforeTheEnd: Bool) throws {
        let script = "read x; busybox head -c 20000000 /dev/zero; read x; echo end"
        try supervised(script, { ($0.stdin, $0.logPath) = (true, nil) }) { bundle, container in
            _ = try container.start()
            let stalled = try container.attach([.stdin, .stdout])
            let other = try container.attach(.stdout)
            try type("x\n", stalled)
            var count = 0
            while count < 20_000_000 {
                switch try next(other) {
                case .output(let bytes): count += bytes.count
                // On a busy machine it is slow, too.
                case .lost(let bytes): count += Int(bytes)
                case .errors, .end: throw ExecutorError("too early an end")
                }
            }
            var (got, lost) = (0, 0)
            if readsBeforeTheEnd, case .output(let bytes) = try next(stalled) { got = bytes.count }
            try container.closeInput()
            loop: while true {
                switch try next(stalled) {
                case .output(let bytes): got += bytes.count
                case .lost(let bytes): lost += Int(bytes)
                case .errors: break
                case .end: break loop
                }
            }
            #expect(lost > 10_000_000)
            #expect(got + lost == 20_000_004)
            #expect(try bundle.end(of: container).code == 0)
        }
    }

    @Test func `a terminal has input, output, a size and an end`() throws {
        let script = "busybox stty size; read x; busybox stty size; echo $x; exit 4"
        let terminal = #","terminal":true,"consoleSize":{"height":30,"width":100}"#
        try supervised(script, process: terminal, { $0.stdin = true }) { bundle, container in
            let client = try container.attach([.stdin, .stdout])
            _ = try container.start()
            try expect("30 100\r\n", from: client)
            try container.resize(rows: 40, columns: 120)
            try type("abc\n", client)
            try expect("abc\r\n40 120\r\nabc\r\n", from: client, toTheEnd: true)
            #expect(try bundle.end(of: container).code == 4)
            #expect(
                try bundle.log()
                    == ["30 100", "abc", "40 120", "abc"].map { "stdout F \($0)\r" })
        }
    }

    @Test func `a rotated log is whole`() throws {
        let script = "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); [ $i = 10000 ] && read x; done; true"
        try supervised(script, { $0.stdin = true }) { bundle, container in
            _ = try container.start()
            var names: [String] = []
            while !container.waitForSupervisor(milliseconds: 0) {
                let name = "\(names.count).old"
                guard rename(bundle.scratch("log/0.log"), bundle.scratch("log/\(name)")) == 0 else { continue }
                names.append(name)
                do { try container.reopenLog() } catch { break }
                // It waits in the middle until a few files are full.
                if names.count == 5 { try container.closeInput() }
            }
            _ = try bundle.end(of: container)
            if Files.exists(bundle.scratch("log/0.log")) { names.append("0.log") }
            let lines = try names.flatMap { try bundle.log($0) }
            #expect(lines == (0..<20_000).map { "stdout F \($0)" })
            #expect(names.count > 5)
        }
    }

    @Test func `a log that cannot be opened again is kept`() throws {
        try supervised(Self.echo, { $0.stdin = true }) { bundle, container in
            _ = try container.start()
            try system("rename") { rename(bundle.scratch("log"), bundle.scratch("gone")) }
            #expect { try container.reopenLog() } throws: {
                "\($0)" == "reopen log of container \(container.id): no such file or directory"
            }
            try container.closeInput()
            #expect(try bundle.end(of: container).code == 9)
            #expect(try Files.text(bundle.scratch("gone/0.log")).hasSuffix("stdout F eof"))
        }
    }

    @Test func `nonsense ends a connection and nothing else`() throws {
        try supervised("exec sleep 1000", { $0.stdin = true }) { bundle, container in
            _ = try container.start()
            var random = SystemRandomNumberGenerator()
            for round in 0..<2000 {
                let connection = try SupervisorConnection(container.socketPath)
                let raw = connection.socket.raw
                for _ in 0..<4 {
                    var bytes = (0..<Int.random(in: 0...40)).map { _ in UInt8.random(in: 0...255, using: &random) }
                    if round % 2 == 0, !bytes.isEmpty { bytes[0] = [0x41, 0x49, 0x57, 0x52][bytes.count % 4] }
                    if round % 100 == 0 { bytes += [UInt8](repeating: 0, count: 40_000) }
                    _ = bytes.withUnsafeBytes { send(raw, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
                }
            }
            try container.kill(SIGKILL, all: false)
            #expect(try bundle.end(of: container).code == 137)
        }
    }

    @Test func `tasks read, write and wait without a thread each`() async throws {
        let bundle = try Bundle(Self.echo)
        let container = try bundle.supervise { $0.stdin = true }
        defer { _ = try? container.delete(force: true) }
        _ = try container.start()
        let loop = try ReadinessLoop()
        defer { loop.stop() }
        let attached = try AttachedStreams(try container.attach([.stdin, .stdout]), of: container, loop: loop)
        try await attached.write(Array("1\n".utf8))
        #expect(try await attached.read() == .output(Array("got 1\n".utf8)))
        var process = try container.process()
        process.arguments = ["sh", "-c", "cat; echo e >&2; exit 3"]
        var options = Container.SessionOptions()
        options.stdin = true
        let session = try SessionStreams(try container.exec(process, options), loop: loop)
        try await session.write([UInt8](repeating: 0x78, count: 10))
        #expect(try await session.read()?.bytes.count == 10)
        session.closeInput()
        var errors: [UInt8] = []
        while let piece = try await session.read() { if piece.isErrors { errors += piece.bytes } }
        #expect(errors == Array("e\n".utf8))
        #expect(try await session.exitCode() == 3)
        let waiting = Task { try await attached.read() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }
}
