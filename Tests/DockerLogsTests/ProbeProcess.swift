import DockerLogs
import Glibc
import Linux

/// A `log-follower-probe` process: a follower that can be killed.
final class ProbeProcess {
    let pid: pid_t
    /// Held so that the directory is removed after the process has ended.
    private let scratch: Scratch
    private let input: Descriptor
    private let output: Descriptor
    private var isReaped = false

    /// `shell` is run by sh(1), in a mount namespace of its own, before the probe.
    init(_ scratch: Scratch, shell: String? = nil) throws {
        self.scratch = scratch
        var inputs: [CInt] = [-1, -1]
        var outputs: [CInt] = [-1, -1]
        // Stream sockets and not pipes: pipe2(2) is out of Swift's sight, and the ends must be close-on-exec.
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        try system("socketpair") { socketpair(AF_UNIX, type, 0, &inputs) }
        input = Descriptor(owning: inputs[0])
        let childInput = Descriptor(owning: inputs[1])
        try system("socketpair") { socketpair(AF_UNIX, type, 0, &outputs) }
        output = Descriptor(owning: outputs[0])
        let childOutput = Descriptor(owning: outputs[1])
        var arguments = [try Self.path(), scratch.state]
        if let shell { arguments = ["unshare", "-m", "sh", "-ec", "\(shell); exec \"$@\"", "sh"] + arguments }
        pid = try Self.spawn(arguments, childInput, childOutput)
    }

    /// What the probe's manager has counted.
    func statistics() -> LogStatistics {
        send("statistics")
        let numbers = (answer() ?? "").split(separator: " ").compactMap { UInt64($0) }
        var statistics = LogStatistics()
        guard numbers.count == 5 else { return statistics }
        statistics.lines = numbers[0]
        statistics.bytes = numbers[1]
        statistics.droppedLines = numbers[2]
        statistics.writeFailures = numbers[3]
        statistics.gaps = numbers[4]
        return statistics
    }

    deinit {
        kill()
    }

    /// Sends a command without waiting for the answer.
    func send(_ command: String) {
        var line = command + "\n"
        line.withUTF8 { _ = Glibc.send(input.raw, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
    }

    /// Sends a command and waits for the answer.
    func ask(_ command: String) -> String? {
        send(command)
        return answer()
    }

    /// The next answer; nil when the process is gone, or does not answer in a minute.
    func answer() -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            var entry = [pollfd(fd: output.raw, events: Int16(POLLIN), revents: 0)]
            guard poll(&entry, 1, 60_000) > 0, read(output.raw, &byte, 1) == 1 else { return nil }
            if byte == 10 { return text(line) }
            line.append(byte)
        }
    }

    /// SIGKILL, and waits for the end.
    func kill() {
        guard !isReaped else { return }
        Glibc.kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
        isReaped = true
    }

    private static func path() throws -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = try system("readlink") { readlink("/proc/self/exe", &buffer, buffer.count) }
        let own = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)]) + "/log-follower-probe"
    }

    private static func spawn(
        _ arguments: [String], _ input: borrowing Descriptor, _ output: borrowing Descriptor
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.raw, 0)
        posix_spawn_file_actions_adddup2(&actions, output.raw, 1)
        var pointers = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var pid = pid_t()
        let code = posix_spawnp(&pid, arguments[0], &actions, nil, &pointers, environ)
        if code != 0 { throw SystemError(call: "posix_spawn", object: arguments[0], code: code) }
        return pid
    }
}
