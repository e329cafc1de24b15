internal import CLinux
internal import Glibc
internal import Linux

/// posix_spawn(3) with every signal at its default and none blocked, whatever our thread does with them.
enum Spawn {
    /// Starts a program with `stdio` for 0 to 2, and ours where it has nothing; `inherited` keep their numbers.
    static func run(
        _ path: String, _ arguments: [String], environment: [String] = [], inherited: [CInt] = [], stdio: [CInt] = []
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (target, file) in stdio.enumerated() { posix_spawn_file_actions_adddup2(&actions, file, CInt(target)) }
        // To itself: that keeps it open over exec.
        for file in inherited { posix_spawn_file_actions_adddup2(&actions, file, file) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var pid: pid_t = 0
        let code = withCStrings(arguments) { argv in
            withCStrings(environment) { envp in posix_spawn(&pid, path, &actions, &attributes, argv, envp) }
        }
        guard code == 0 else { throw SystemError(call: "spawn", object: path, code: code) }
        return pid
    }

    /// Waits for a child's end and answers its status, as waitpid(2); one that takes longer than `milliseconds`, -1 for
    /// any time, is killed, and the answer is nil. Blocks the thread.
    static func end(of child: pid_t, within milliseconds: Int32) throws -> CInt? {
        let process = fender_pidfd_open(child)
        let failure = errno
        var ready: CInt = -1
        if process >= 0 {
            var entry = pollfd(fd: process, events: Int16(POLLIN), revents: 0)
            ready = poll(&entry, 1, milliseconds)
            close(process)
        }
        // Without the descriptor nobody could say when its time is over.
        if ready == 0 || process < 0 { kill(child, SIGKILL) }
        var status: CInt = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        if process < 0 { throw SystemError(call: "pidfd_open", code: failure) }
        return ready == 0 ? nil : status
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        return body(copies + [nil])
    }
}
