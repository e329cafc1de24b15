internal import Glibc
internal import Linux
internal import OCI

/// Runs hooks in our own namespaces, the state on their stdin.
enum HookRunner {
    /// Runs them in order; the first that fails ends it.
    static func run(_ hooks: [Hook], _ state: State) throws {
        for hook in hooks { try run(hook, state.json().bytes) }
    }

    /// Runs them all; failures are returned.
    static func runAll(_ hooks: [Hook], _ state: State) -> [String] {
        hooks.compactMap { hook in
            do {
                try run(hook, state.json().bytes)
                return nil
            } catch {
                return "\(error)"
            }
        }
    }

    private static func run(_ hook: Hook, _ state: [UInt8]) throws {
        // A file and not a pipe: a hook that does not read cannot stop us.
        let input = try MemoryFile.make("state", holding: state)
        let raw = input.raw
        try system("lseek") { lseek(raw, 0, SEEK_SET) }
        let errors = try MemoryFile.make("errors")
        let child = try spawn(hook, input: raw, errors: errors.raw)
        let limit = hook.timeout.map { $0.multipliedReportingOverflow(by: 1000).partialValue } ?? -1
        guard let status = try Spawn.end(of: child, within: limit) else {
            throw ExecutorError("run hook: \(hook.path): no end within \(hook.timeout ?? 0) s")
        }
        guard status == 0 else {
            let end = status & 0x7f == 0 ? "exit status \(status >> 8 & 0xff)" : "signal \(status & 0x7f)"
            throw ExecutorError("run hook: \(hook.path): \(end)\(try text(of: errors))")
        }
    }

    private static func text(of file: borrowing Descriptor) throws -> String {
        let raw = file.raw
        try system("lseek") { lseek(raw, 0, SEEK_SET) }
        let text = String(decoding: try Files.read(file).prefix(1024), as: UTF8.self)
        return text.isEmpty ? "" : ", stderr: \(text)"
    }

    private static func spawn(_ hook: Hook, input: CInt, errors: CInt) throws -> pid_t {
        let null = try Descriptor.open("/dev/null", O_WRONLY)
        do {
            return try Spawn.run(
                hook.path, hook.arguments.isEmpty ? [hook.path] : hook.arguments, environment: hook.environment,
                stdio: [input, null.raw, errors])
        } catch let error as SystemError {
            throw ExecutorError("run hook: \(hook.path): \(Errno.text(error.code))")
        }
    }
}
