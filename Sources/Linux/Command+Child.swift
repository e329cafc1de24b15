internal import CLinux
internal import Glibc

extension CommandRun {
    /// A started program that has not been reaped: its pid and its process group are its own.
    struct Child: ~Copyable {
        private let pid: pid_t
        private let pidfd: Descriptor

        static func start(_ command: Command, _ standard: [CInt], giveUp: WakeEvent) throws -> Child {
            let busyUntil = ContinuousClock.now + .seconds(5)
            while true {
                var pid: pid_t = 0
                var pidfd: CInt = -1
                let error = spawn(command, standard, &pid, &pidfd)
                if error == 0 { return Child(pid: pid, pidfd: Descriptor(owning: pidfd)) }
                // Someone writes the file (a plugin being installed): the kernel tells nobody when that ends.
                let again = error == ETXTBSY && ContinuousClock.now < min(busyUntil, command.deadline ?? busyUntil)
                guard again, !giveUp.wait(milliseconds: 100) else {
                    throw SystemError(call: "posix_spawn", object: command.path, code: error)
                }
            }
        }

        private static func spawn(
            _ command: Command, _ standard: [CInt], _ pid: inout pid_t, _ pidfd: inout CInt
        ) -> CInt {
            withStrings([command.path] + command.arguments) { arguments in
                withStrings(command.environment) { environment in
                    fender_spawn(
                        command.path, arguments, environment, standard[0], standard[1], standard[2],
                        command.heir?.file.raw ?? -1, &pid, &pidfd)
                }
            }
        }

        /// Readable when the program has ended.
        var pollEntry: pollfd { pollfd(fd: pidfd.raw, events: Int16(POLLIN), revents: 0) }

        /// SIGKILL to the group: safe as long as the leader is not reaped, for until then its number is not given away.
        func kill() {
            _ = Glibc.kill(-pid, SIGKILL)
        }

        /// Collects the program's end, waiting for at most so many milliseconds.
        func reap(atMost limit: CInt?) -> Command.Status {
            var entries = [pollEntry]
            let deadline = limit.map { ContinuousClock.now + .milliseconds(Int($0)) }
            while poll(&entries, 1, milliseconds(until: deadline)) < 0 {}
            let pid = self.pid
            guard entries[0].revents != 0 else {
                // Without a thread it stays a zombie; nothing worse.
                try? DedicatedThread.detach { _ = CommandRun.waited(pid) }
                return .unkillable
            }
            return CommandRun.waited(pid)
        }
    }

    private static func waited(_ pid: pid_t) -> Command.Status {
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0 {
            // ECHILD: someone else reaped it, and how it ended is lost.
            if errno != EINTR { return .signalled(0) }
        }
        let signal = status & 0x7f
        return signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
    }
}

/// Calls `body` with a null-terminated array of C strings.
private func withStrings<Value>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Value
) -> Value {
    let copies = strings.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return copies.withUnsafeBufferPointer { body($0.baseAddress!) }
}
