internal import Glibc
internal import Linux
internal import OCI
internal import Security

/// Another OCI runtime, such as runc, which makes and handles containers in our place by its command line.
///
/// Everything else stays ours: the supervisor, its log and clients, the record of the end.
public struct RuntimeProgram: Sendable, Hashable {
    /// The program.
    public var path: String
    /// Where it keeps its state (`--root`).
    public var root: String
    /// Whether its `exec` takes the cgroup, below the container's, that the process begins in (`--cgroup`). Without, a
    /// process is moved there when it runs, with what is still its own by then.
    public var startsInCgroup: Bool

    /// A program with its state.
    public init(path: String, root: String, startsInCgroup: Bool = false) {
        self.path = path
        self.root = root
        self.startsInCgroup = startsInCgroup
    }

    /// How long a command may take that neither makes a container nor a process.
    private static let patience: Int32 = 120_000

    /// The whole command line; what goes wrong is written to `log` in JSON.
    func arguments(_ command: [String], log: String, systemd: Bool = false) -> [String] {
        [path, "--root", root, "--log", log, "--log-format", "json"] + (systemd ? ["--systemd-cgroup"] : []) + command
    }

    /// Whether the program is there at all.
    var isInstalled: Bool { access(path, X_OK) == 0 }

    /// Runs a command to its end. Throws what the runtime says of its failure. Blocks the thread.
    func run(_ command: [String], log: String, systemd: Bool = false) throws {
        try prepare(log: log)
        let null = try Descriptor.open("/dev/null", O_RDWR)
        let child: pid_t
        do {
            child = try Spawn.run(
                path, arguments(command, log: log, systemd: systemd),
                environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                stdio: [null.raw, null.raw, null.raw])
        } catch let error as SystemError {
            throw ExecutorError("\(path): \(Errno.text(error.code))")
        }
        guard let status = try Spawn.end(of: child, within: Self.patience) else {
            throw ExecutorError("\(path) \(command[0]): no end within \(Self.patience / 1000) s")
        }
        if status != 0 { throw failure(command[0], log: log, otherwise: "it failed") }
    }

    /// Makes room for a log of one command alone.
    func prepare(log: String) throws {
        try Files.makeDirectories(root, mode: 0o711)
        try Files.remove(log)
    }

    /// What the runtime said of a command that failed.
    func failure(_ command: String, log: String, otherwise: String) -> ExecutorError {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return ExecutorError("\(name) \(command): \(Self.message(in: log) ?? otherwise)")
    }

    /// The last error of a log.
    static func message(in log: String) -> String? {
        guard let bytes = try? Files.read(log) else { return nil }
        let lines = bytes.split(separator: 0x0a).compactMap { try? JSON(parsing: Array($0)) }
        for line in lines.reversed() {
            guard case .string(let message)? = line["msg"] else { continue }
            if case .string(let level)? = line["level"], !["error", "fatal", "panic"].contains(level) { continue }
            return message
        }
        return nil
    }
}

/// What can be given to a container whose runtime refuses what it cannot give.
public enum GrantableCapabilities {
    /// Their names, with `CAP_`.
    public static func names() -> Set<String> {
        let granted = Capability.granted()
        return Set(Capabilities.names.enumerated().filter { granted >> UInt64($0.offset) & 1 == 1 }.map(\.element))
    }
}
