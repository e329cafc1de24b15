internal import Executor
internal import Glibc
internal import Linux
internal import OCI

/// The OCI runtime command line, with runc's commands, flags and outputs.
@main
struct FenderOCI {
    /// Flags before the command.
    private static let globals = CommandLine.Flags(
        switches: ["debug", "systemd-cgroup", "version", "help"],
        values: ["root", "log", "log-format", "rootless", "criu"], short: ["v": "version", "h": "help"])

    let store: ContainerStore
    let log: Log
    let hasSystemd: Bool

    static func main() {
        var log = Log()
        // A process that dies while it is started is an error to tell, not our end.
        signal(SIGPIPE, SIG_IGN)
        do {
            let line = try CommandLine(Swift.CommandLine.arguments.dropFirst(), globals)
            log = Log(path: line["log"], isJSON: line["log-format"] == "json")
            exit(try run(line, log))
        } catch {
            log.write("error", "\(error)")
            Output.line("\(error)", to: STDERR_FILENO)
            exit(1)
        }
    }

    private static func run(_ line: CommandLine, _ log: Log) throws -> Int32 {
        if line.has("version") {
            Output.line(version)
            return 0
        }
        guard let name = line.rest.first, name != "help", !line.has("help") else {
            Output.line("usage: fender-oci [--root DIR] [--log FILE] [--log-format text|json] COMMAND ...")
            Output.line("commands: \(Command.Name.allCases.map(\.rawValue).joined(separator: " "))")
            return 0
        }
        guard let known = Command.Name(rawValue: name) else { throw UsageError("No help topic for '\(name)'") }
        let command = Command.named(known)
        let store = ContainerStore(
            root: line["root"] ?? "/run/fender-oci", monitor: try monitor(), isShortLived: true)
        let program = FenderOCI(store: store, log: log, hasSystemd: line.has("systemd-cgroup"))
        return try command.run(program, try CommandLine(line.rest.dropFirst(), command.flags))
    }

    static let version = "fender-oci version 0.1.0\ncommit: \nspec: 1.2.0"

    /// fender-monitor stands beside us, or where packages put it.
    private static func monitor() throws -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let own = String(decoding: buffer[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let directory = own[..<(own.lastIndex(of: "/") ?? own.startIndex)]
        let places = ["\(directory)/fender-monitor", "/usr/libexec/fender/fender-monitor"]
        guard let found = places.first(where: Files.exists) else {
            throw ExecutorError("fender-monitor is neither beside fender-oci nor in /usr/libexec/fender")
        }
        return found
    }
}

/// One command: its flags and what it does; the result is the exit code.
struct Command {
    let name: String
    let flags: CommandLine.Flags
    let run: (FenderOCI, CommandLine) throws -> Int32

    /// The commands there are.
    enum Name: String, CaseIterable {
        case create, start, run, exec, state, kill, delete, pause, resume, update, list, ps, events, features, spec
        case checkpoint, restore
    }

    /// Only the one that is asked for is made: it is a large part of what a small command takes.
    static func named(_ name: Name) -> Command {
        switch name {
        case .create: create
        case .start: start
        case .run: runContainer
        case .exec: exec
        case .state: state
        case .kill: kill
        case .delete: delete
        case .pause: pause
        case .resume: resume
        case .update: update
        case .list: list
        case .ps: processes
        case .events: events
        case .features: features
        case .spec: specification
        case .checkpoint, .restore: refusing(name.rawValue)
        }
    }

    private static func refusing(_ name: String) -> Command {
        Command(name: name, flags: CommandLine.Flags()) { _, _ in
            throw UsageError("\(name) is not supported")
        }
    }
}
