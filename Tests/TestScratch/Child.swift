internal import Glibc
internal import Linux

/// Processes that tests start.
public enum Child {
    /// Starts a shell script; its standard streams are /dev/null.
    public static func spawn(_ script: String, environment: [String] = []) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for number in 0...2 as ClosedRange<CInt> {
            posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
        }
        return try spawn(script, environment: environment, &actions)
    }

    /// Starts a shell script and waits for the first line it writes.
    public static func spawn(_ script: String, environment: [String] = [], awaiting line: String) throws -> Int32 {
        var ends: [CInt] = [-1, -1]
        try system("pipe") { pipe(&ends) }
        for end in ends { try system("fcntl") { fcntl(end, F_SETFD, FD_CLOEXEC) } }
        let reader = Descriptor(owning: ends[0])
        let writer = Descriptor(owning: ends[1])
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, writer.raw, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_RDWR, 0)
        let child = try spawn(script, environment: environment, &actions)
        _ = consume writer
        var text = ""
        while !text.contains(line) {
            var byte: UInt8 = 0
            let count = try withUnsafeMutableBytes(of: &byte) { try reader.read(into: $0) }
            guard count == 1 else { throw SystemError(call: "read", object: "child's \(line)", code: EPIPE) }
            text.unicodeScalars.append(Unicode.Scalar(byte))
        }
        return child
    }

    /// Waits for a child's end; answers the signal that ended it, 0 for none.
    @discardableResult
    public static func reap(_ child: Int32) -> CInt {
        var status: CInt = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        return status & 0x7f
    }

    private static func spawn(
        _ script: String, environment: [String], _ actions: inout posix_spawn_file_actions_t
    ) throws -> Int32 {
        let words = ["/bin/sh", "-c", script]
        let arguments = words.map { strdup($0) } + [nil]
        let variables = (["PATH=/usr/bin:/bin"] + environment).map { strdup($0) } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        var child: Int32 = 0
        let code = posix_spawn(&child, "/bin/sh", &actions, nil, arguments, variables)
        guard code == 0 else { throw SystemError(call: "posix_spawn", object: script, code: code) }
        return child
    }
}
