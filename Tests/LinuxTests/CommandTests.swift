import Glibc
import Testing

@testable import Linux

/// Runs a shell script as a command.
private func shell(_ script: String) -> Command {
    var command = Command("/bin/sh")
    command.arguments = ["-c", script]
    command.environment = ["PATH=/usr/bin:/bin"]
    return command
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// A file for a command and its descendants to hold: tells when all of them have gone.
private final class Leash: Sendable {
    private let reader: Descriptor

    /// Takes the place of the command's heir.
    init(_ command: inout Command) throws {
        let path = "/tmp/fender-leash-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        try system("mkfifo", path) { mkfifo(path, 0o600) }
        defer { unlink(path) }
        reader = try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
        command.heir = Command.Heir(try Descriptor.open(path, O_WRONLY))
    }

    /// Waits for ten seconds at most; answers whether all have gone. The command's own reference must be gone too.
    func allGone() async throws -> Bool {
        try await DedicatedThread.run { [self] in
            var entries = [pollfd(fd: reader.raw, events: 0, revents: 0)]
            return poll(&entries, 1, 10_000) == 1
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct CommandTests {
    @Test func feedsInputAndCollectsOutput() async throws {
        var command = shell("cat; echo problem >&2; exit 3")
        command.input = [UInt8](repeating: 0x61, count: 300_000)
        let outcome = try await command.run()
        #expect(outcome.status == .exited(3))
        #expect(outcome.kill == nil)
        #expect(outcome.output == command.input)
        #expect(text(outcome.errors) == "problem\n")
    }

    @Test func programThatReadsNothingIsNoError() async throws {
        var command = shell("exit 0")
        command.input = [UInt8](repeating: 0x61, count: 300_000)
        #expect(try await command.run().status == .exited(0))
    }

    @Test func deathBySignalIsTold() async throws {
        #expect(try await shell("kill -9 $$").run().status == .signalled(9))
    }

    @Test func deadlineKillsTheWholeGroup() async throws {
        var command = shell("sleep 1000 & wait")
        let leash = try Leash(&command)
        command.deadline = .now + .milliseconds(300)
        let outcome = try await command.run()
        command.heir = nil
        #expect(outcome.kill == .deadline)
        #expect(outcome.status == .signalled(9))
        #expect(try await leash.allGone())
    }

    @Test func cancellationKillsTheWholeGroup() async throws {
        let started = "/tmp/fender-command-\(getpid())"
        try Files.remove(started)
        #expect(mkfifo(started, 0o600) == 0)
        defer { unlink(started) }
        let task = Task { try await shell("echo up > \(started); sleep 1000").run() }
        #expect(try await DedicatedThread.run { try Files.text(started) } == "up")
        task.cancel()
        let outcome = try await task.value
        #expect(outcome.kill == .cancelled)
        #expect(outcome.status == .signalled(9))
    }

    @Test func tooMuchOutputKills() async throws {
        var command = shell("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done")
        command.outputLimit = 100_000
        let outcome = try await command.run()
        #expect(outcome.kill == .output)
        #expect(outcome.output.count < 400_000)
    }

    @Test func errorsKeepTheirEnd() async throws {
        let outcome = try await shell(
            "i=0; while [ $i -lt 4000 ]; do echo 'line of forty characters or there about' >&2; i=$((i+1)); done; echo last >&2"
        ).run()
        #expect(outcome.errors.count == 64 << 10)
        #expect(text(outcome.errors).hasSuffix("last\n"))
    }

    @Test func descendantHoldingOutputIsNotWaitedFor() async throws {
        let outcome = try await shell("setsid sleep 30 & echo $!").run()
        #expect(outcome.status == .exited(0))
        #expect(outcome.kill == nil)
        let daemon = try #require(pid_t(text(outcome.output).dropLast()))
        #expect(kill(daemon, SIGKILL) == 0)
    }

    @Test func childHasNothingOpenAndNoSignalBlockedOrIgnored() async throws {
        let outcome = try await shell("ls /proc/self/fd | wc -l; exec grep Sig /proc/self/status").run()
        let lines = text(outcome.output).split(separator: "\n")
        // Standard input, output and error, and the directory that ls reads.
        #expect(lines.first == "4")
        #expect(lines.contains("SigBlk:\t0000000000000000"))
        // glibc leaves its two internal signals ignored.
        #expect(lines.contains("SigIgn:\t0000000180000000"))
    }

    @Test func heirIsDescriptorThree() async throws {
        let path = "/tmp/fender-heir-\(getpid())"
        defer { unlink(path) }
        var command = shell("echo inherited >&3")
        command.heir = Command.Heir(try Descriptor.open(path, O_RDWR | O_CREAT | O_TRUNC, mode: 0o600))
        #expect(try await command.run().status == .exited(0))
        #expect(try Files.text(path) == "inherited")
    }

    @Test(arguments: ["/nonexistent/program", "/etc/hostname", "/tmp"])
    func whatCannotBeRunThrows(_ path: String) async {
        await #expect(throws: SystemError.self) { try await Command(path).run() }
    }

    @Test func busyTextIsTriedAgain() async throws {
        let path = "/tmp/fender-busy-\(getpid())"
        defer { unlink(path) }
        try Files.replace(path, with: Files.read("/bin/true"), mode: 0o700)
        let writer = try Descriptor.open(path, O_WRONLY).release()
        let task = Task { try await Command(path).run() }
        // Held while the first attempts fail; the program can only run after this is closed.
        try await DedicatedThread.run { _ = poll(nil, 0, 250) }
        close(writer)
        #expect(try await task.value.status == .exited(0))
    }

    /// In a process of its own, where nobody else opens anything.
    @Test func nothingIsLeftOpen() async throws {
        await #expect(processExitsWith: .success) {
            _ = try await shell("true").run()
            let before = try Files.names(in: "/proc/self/fd").count
            for _ in 0..<20 {
                var command = shell("cat; sleep 1000 & wait")
                command.deadline = .now + .milliseconds(20)
                _ = try await command.run()
                _ = try? await Command("/nonexistent").run()
            }
            // libdispatch may open an epoll, an event and a timer of its own meanwhile; a leak of ours would be many.
            #expect(try Files.names(in: "/proc/self/fd").count <= before + 3)
            #expect(waitpid(-1, nil, WNOHANG) == -1 && errno == ECHILD)
        }
    }
}
