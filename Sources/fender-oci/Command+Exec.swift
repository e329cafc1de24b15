internal import Executor
internal import Glibc
internal import Linux
internal import OCI

extension Command {
    static var exec: Command {
        let flags = CommandLine.Flags(
            switches: ["detach", "tty", "no-new-privs", "ignore-paused"],
            values: [
                "console-socket", "cwd", "env", "user", "additional-gids", "process", "pid-file", "process-label",
                "apparmor", "cap", "preserve-fds", "cgroup", "pidfd-socket",
            ],
            short: [
                "d": "detach", "t": "tty", "e": "env", "u": "user", "g": "additional-gids", "p": "process", "c": "cap",
            ])
        return Command(name: "exec", flags: flags) { program, line in
            let container = try program.store.container(line.id())
            var options = Container.ExecOptions()
            options.pidFile = line["pid-file"]
            options.consoleSocket = line["console-socket"]
            options.preservedDescriptors = try line.number("preserve-fds") ?? 0
            options.warn = program.log.warn
            let foreground = line.has("detach") ? nil : try Foreground()
            let pid = try container.exec(options) { try process(line, $0) }
            return try foreground?.wait(for: pid) ?? 0
        }
    }

    /// The process of a file, or the container's own with what the flags change.
    private static func process(_ line: CommandLine, _ own: Process?) throws -> Process {
        if let path = line["process"] { return try Process(parsing: Files.read(path)) }
        guard var process = own else { throw SpecError("process", "is missing") }
        process.arguments = Array(line.rest.dropFirst())
        guard !process.arguments.isEmpty else { throw UsageError("process args cannot be empty") }
        process.terminal = line.has("tty")
        if let cwd = line["cwd"] { process.directory = cwd }
        process.environment += line.values["env"] ?? []
        if line.has("no-new-privs") { process.noNewPrivileges = true }
        if let label = line["process-label"] { process.selinuxLabel = label }
        if let profile = line["apparmor"] { process.appArmorProfile = profile }
        if let user = line["user"] { (process.uid, process.gid) = try ids(user, process.gid) }
        for gid in line.values["additional-gids"] ?? [] {
            guard let number = decimal(gid) else { throw UsageError("invalid group \"\(gid)\"") }
            process.additionalGids.append(number)
        }
        for name in line.values["cap"] ?? [] {
            process.capabilities?.bounding.append(name)
            process.capabilities?.effective.append(name)
            process.capabilities?.permitted.append(name)
        }
        return process
    }

    /// UID or UID:GID, decimal and nothing else (CVE-2024-40635).
    private static func ids(_ text: String, _ gid: UInt32) throws -> (UInt32, UInt32) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, let uid = decimal(parts[0]) else { throw UsageError("invalid user \"\(text)\"") }
        guard parts.count == 2 else { return (uid, gid) }
        guard let group = decimal(parts[1]) else { throw UsageError("invalid user \"\(text)\"") }
        return (uid, group)
    }

    private static func decimal(_ text: String) -> UInt32? {
        guard !text.isEmpty, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let number = UInt32(text), number != .max
        else { return nil }
        return number
    }
}
