internal import Executor
internal import Glibc
internal import Linux
internal import OCI

extension Command {
    private static let createFlags = CommandLine.Flags(
        switches: ["no-pivot", "no-new-keyring", "detach", "keep", "no-subreaper"],
        values: ["bundle", "console-socket", "pid-file", "preserve-fds", "pidfd-socket"],
        short: ["b": "bundle", "d": "detach"])

    private static func options(_ line: CommandLine, _ program: FenderOCI) throws -> ContainerStore.CreateOptions {
        var options = ContainerStore.CreateOptions()
        options.bundle = line["bundle"] ?? "."
        options.pidFile = try line["pid-file"].map(absolute)
        options.consoleSocket = try line["console-socket"].map(absolute)
        options.preservedDescriptors = try line.number("preserve-fds") ?? 0
        options.pivots = !line.has("no-pivot")
        options.newKeyring = !line.has("no-new-keyring")
        options.systemd = program.hasSystemd
        options.warn = program.log.warn
        return options
    }

    /// The bundle becomes our directory; paths are as the caller's directory has them.
    private static func absolute(_ path: String) throws -> String {
        if path.hasPrefix("/") { return path }
        guard let directory = getcwd(nil, 0) else { throw SystemError(call: "getcwd", code: errno) }
        defer { free(directory) }
        return "\(String(cString: directory))/\(path)"
    }

    static var create: Command {
        Command(name: "create", flags: createFlags) { program, line in
            try program.store.create(try line.id(), try options(line, program))
            return 0
        }
    }

    static var start: Command {
        Command(name: "start", flags: CommandLine.Flags()) { program, line in
            try program.store.container(line.id()).start().forEach(program.log.warn)
            return 0
        }
    }

    static var runContainer: Command {
        Command(name: "run", flags: createFlags) { program, line in
            let isDetached = line.has("detach")
            let options = try options(line, program)
            let foreground = isDetached ? nil : try Foreground()
            let container = try program.store.create(try line.id(), options)
            let pid = container.pid
            try container.start().forEach(program.log.warn)
            guard let foreground else { return 0 }
            let code = try foreground.wait(for: pid)
            if !line.has("keep") { try container.delete(force: true).forEach(program.log.warn) }
            return code
        }
    }

    static var kill: Command {
        Command(name: "kill", flags: CommandLine.Flags(switches: ["all"], short: ["a": "all"])) { program, line in
            let signal = try Signals.parse(line.rest.count > 1 ? line.rest[1] : "TERM")
            try program.store.container(line.id()).kill(signal, all: line.has("all"))
            return 0
        }
    }

    static var delete: Command {
        Command(name: "delete", flags: CommandLine.Flags(switches: ["force"], short: ["f": "force"])) { program, line in
            let id = try line.id()
            do {
                try program.store.container(id).delete(force: line.has("force")).forEach(program.log.warn)
            } catch {
                // With nothing of it left, or too little to be read, --force has done its work.
                guard line.has("force"), (try? program.store.container(id)) == nil else { throw error }
                _ = try program.store.deleteRemains(id)
            }
            return 0
        }
    }

    static var pause: Command {
        Command(name: "pause", flags: CommandLine.Flags()) { program, line in
            try program.store.container(line.id()).pause()
            return 0
        }
    }

    static var resume: Command {
        Command(name: "resume", flags: CommandLine.Flags()) { program, line in
            try program.store.container(line.id()).resume()
            return 0
        }
    }
}
