import Glibc
import Testing

@testable import DockerEngine

extension DaemonFixture {
    /// Runs a command in a container to its end.
    func run(
        _ command: [String], in container: String, limit: Int = 16 << 20
    ) async throws -> (output: ExecOutput, exitCode: Int?) {
        var config = Docker.ExecConfig(Cmd: command)
        config.AttachStdout = true
        config.AttachStderr = true
        let id = try await engine.createExec(container: container, config)
        let output = try await engine.collectExec(id, limit: limit)
        return (output, try await engine.inspectExec(id).ExitCode)
    }

    /// Starts a command with its streams attached.
    func start(_ command: [String], in container: String, tty: Bool = false) async throws -> (String, HijackedStream) {
        var config = Docker.ExecConfig(Cmd: command)
        config.AttachStdin = true
        config.AttachStdout = true
        config.AttachStderr = true
        config.Tty = tty
        let id = try await engine.createExec(container: container, config)
        return (id, try await engine.startExec(id, tty: tty))
    }

    func withRunningContainer<Value>(
        _ command: [String] = ["sleep", "1000"], _ change: (inout Docker.ContainerCreateRequest) -> Void = { _ in },
        _ body: (String) async throws -> Value
    ) async throws -> Value {
        try await withContainer(command, change) { id in
            try await engine.startContainer(id)
            return try await body(id)
        }
    }
}

@Suite("Against a real dockerd: streams", .timeLimit(.minutes(5)))
struct DaemonExecTests {
    @Test func outputAndExitCodeAreCollected() async throws {
        let fixture = try await DaemonFixture.make()
        try await fixture.withRunningContainer { id in
            let (output, code) = try await fixture.run(["sh", "-c", "echo out; echo err >&2; exit 5"], in: id)
            #expect(output.stdout == Array("out\n".utf8) && output.stderr == Array("err\n".utf8))
            #expect(!output.truncated && code == 5)
        }
    }

    @Test func muchOutputIsCollectedUpToTheLimit() async throws {
        let fixture = try await DaemonFixture.make()
        try await fixture.withRunningContainer { id in
            let command = ["sh", "-c", "head -c 8000000 /dev/zero; touch /tmp/done"]
            let all = try await fixture.run(command, in: id)
            #expect(all.output.stdout.count == 8_000_000 && !all.output.truncated && all.exitCode == 0)
            let some = try await fixture.run(["sh", "-c", "head -c 8000000 /dev/zero; exit 6"], in: id, limit: 1000)
            #expect(some.output.stdout.count == 1000 && some.output.truncated && some.exitCode == 6)
        }
    }

    @Test func inputIsEchoedUntilItEnds() async throws {
        let fixture = try await DaemonFixture.make()
        try await fixture.withRunningContainer { id in
            let (exec, stream) = try await fixture.start(["cat"], in: id)
            let chunk = (0..<50_000).map { UInt8(truncatingIfNeeded: $0) }
            let writing = Task {
                for _ in 0..<40 { try await stream.write(chunk) }
                stream.closeWrite()
            }
            var received: [UInt8] = []
            for try await frame in stream { received += frame.bytes }
            try await writing.value
            #expect(received == Array(repeatElement(chunk, count: 40).joined()))
            let inspect = try await fixture.engine.inspectExec(exec)
            #expect(inspect.ExitCode == 0 && !inspect.Running && inspect.ContainerID == id)
        }
    }

    @Test func aTerminalIsRaw() async throws {
        let fixture = try await DaemonFixture.make()
        try await fixture.withRunningContainer { id in
            let (exec, stream) = try await fixture.start(["sh"], in: id, tty: true)
            try await fixture.engine.resizeExec(exec, height: 7, width: 70)
            try await stream.write(Array("stty size; echo err >&2; exit 9\n".utf8))
            var text = ""
            for try await frame in stream {
                #expect(frame.stream == .stdout)
                text += String(decoding: frame.bytes, as: UTF8.self)
            }
            #expect(text.contains("7 70\r\n") && text.contains("err\r\n"))
            #expect(try await fixture.engine.inspectExec(exec).ExitCode == 9)
        }
    }

    @Test func aProgramThatIsNotThereExits127Or126() async throws {
        let fixture = try await DaemonFixture.make()
        try await fixture.withRunningContainer { id in
            let (output, code) = try await fixture.run(["no-such-program"], in: id)
            let text = String(decoding: output.stdout + output.stderr, as: UTF8.self)
            #expect(text.contains("no-such-program"))
            #expect([126, 127].contains(code))
        }
    }

    @Test func execsOfWhatDoesNotRunAreRefused() async throws {
        let fixture = try await DaemonFixture.make()
        try await fixture.withContainer(["true"]) { id in
            let stopped = await #expect(throws: DockerError.self) { try await fixture.run(["true"], in: id) }
            #expect(stopped?.kind == .conflict)
        }
        let missing = await #expect(throws: DockerError.self) {
            try await fixture.engine.startExec("0123", tty: false)
        }
        #expect(missing?.kind == .notFound && missing?.message.contains("No such exec instance") == true)
    }

    @Test func aCommandOutlivesItsTimeoutUntilItIsKilled() async throws {
        let fixture = try await DaemonFixture.make()
        try await fixture.withRunningContainer { id in
            var config = Docker.ExecConfig(Cmd: ["sh", "-c", "echo begun; sleep 1000"])
            config.AttachStdout = true
            let exec = try await fixture.engine.createExec(container: id, config)
            let error = await #expect(throws: DockerError.self) {
                try await fixture.engine.collectExec(exec, timeout: .milliseconds(500))
            }
            #expect(error?.kind == .timeout)
            let inspect = try await fixture.engine.inspectExec(exec)
            #expect(inspect.Running && inspect.Pid > 1 && inspect.ExitCode == nil)
            #expect(kill(pid_t(inspect.Pid), SIGKILL) == 0)
        }
    }

    @Test func attachReachesTheFirstProcess() async throws {
        let fixture = try await DaemonFixture.make()
        try await fixture.withContainer(["sh", "-c", "read line; echo got $line; echo oops >&2"]) { request in
            request.config.OpenStdin = true
            request.config.StdinOnce = true
        } _: { id in
            let stream = try await fixture.engine.attachContainer(id, stdin: true, tty: false)
            try await fixture.engine.startContainer(id)
            try await stream.write(Array("hello\n".utf8))
            var output = ExecOutput()
            for try await frame in stream {
                if frame.stream == .stderr { output.stderr += frame.bytes } else { output.stdout += frame.bytes }
            }
            #expect(output.stdout == Array("got hello\n".utf8) && output.stderr == Array("oops\n".utf8))
        }
    }

    @Test func aProcessThatEndsWithInputUnreadIsSeenToTheEnd() async throws {
        let fixture = try await DaemonFixture.make()
        try await fixture.withRunningContainer { id in
            let (exec, stream) = try await fixture.start(["sh", "-c", "echo bye; exit 4"], in: id)
            try? await stream.write([UInt8](repeating: 65, count: 200_000))
            var text = ""
            for try await frame in stream { text += String(decoding: frame.bytes, as: UTF8.self) }
            #expect(text == "bye\n")
            #expect(try await fixture.engine.inspectExec(exec).ExitCode == 4)
        }
    }
}
