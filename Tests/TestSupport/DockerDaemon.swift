import Foundation
import Glibc
import Synchronization

/// A dockerd of a test's own: own data, own containerd, own socket, no bridge, no iptables.
///
/// Ends with ``stop()``, or with the test process: at exit(3), or by the parent-death signal when that is killed.
/// `FENDER_TEST_DOCKERD` names another dockerd than the one in `PATH`; programs beside it are found first.
public final class DockerDaemon: Sendable {
    /// Why there is no daemon.
    public struct Failure: Error, CustomStringConvertible {
        /// What is missing, with the end of the daemon's log.
        public var description: String
    }

    /// Its directory; gone after ``stop()``.
    public let root: String
    /// Its socket's path.
    public var socket: String { "\(root)/docker.sock" }
    private let arguments: [String]
    private let process = Mutex<RunningProcess?>(nil)

    private init(root: String, arguments: [String]) {
        self.root = root
        self.arguments = arguments
    }

    /// The daemon that all tests of this process share; started at the first call, ended when the process exits.
    public static func shared() async throws -> DockerDaemon {
        try await SharedDaemon.instance.daemon()
    }

    /// Starts a daemon in a new directory; returns when it serves.
    public static func start(arguments: [String] = []) async throws -> DockerDaemon {
        guard geteuid() == 0 else { throw Failure(description: "dockerd needs root") }
        var template = Array("/tmp/fender-dockerd-XXXXXX".utf8CString)
        guard let root = mkdtemp(&template).map({ String(cString: $0) }) else {
            throw Failure(description: "mkdtemp: \(String(cString: strerror(errno)))")
        }
        let daemon = DockerDaemon(root: root, arguments: arguments)
        try await daemon.start()
        return daemon
    }

    /// Starts a daemon, hands it to `body`, and stops it whatever happens.
    public static func with<Value>(
        arguments: [String] = [], _ body: (DockerDaemon) async throws -> Value
    ) async throws -> Value {
        let daemon = try await start(arguments: arguments)
        do {
            let value = try await body(daemon)
            await daemon.stop()
            return value
        } catch {
            await daemon.stop()
            throw error
        }
    }

    /// Starts it again after ``kill()`` or ``stop(keepingData:)``; returns when it serves.
    public func start() async throws {
        let program = try Self.program()
        let notify = try NotifySocket(path: "\(root)/notify")
        let directory = String(program[..<(program.lastIndex(of: "/") ?? program.startIndex)])
        let path = "\(directory):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
        let running = try RunningProcess(
            command(program), output: "\(root)/log", environment: ["NOTIFY_SOCKET": notify.path, "PATH": path]
        ) { notify.tell("EXITED") }
        process.withLock { $0 = running }
        guard await notify.first(of: ["READY=1", "EXITED"]) == "READY=1" else {
            let log = (try? String(contentsOfFile: "\(root)/log", encoding: .utf8)) ?? ""
            await stop()
            throw Failure(description: "dockerd did not start: \(log.suffix(2000))")
        }
    }

    /// Ends the daemon and its containers; removes its directory unless the data are kept.
    public func stop(keepingData: Bool = false) async {
        await onThread {
            self.take()?.end(SIGTERM)
            if !keepingData { self.removeRoot() }
        }
    }

    /// Kills the daemon as a crash would; its containers live on until ``start()`` finds them.
    public func kill() async {
        await onThread {
            let containerd = UnixConnection(to: "\(self.root)/exec/containerd/containerd.sock")
            self.take()?.end(SIGKILL)
            // containerd dies with its dockerd, a little later; the next dockerd would take it for a living one.
            containerd?.waitForEnd()
            unlink("\(self.root)/exec/containerd/containerd.pid")
        }
    }

    /// Ends it while the process exits; blocks.
    fileprivate func stopAtExit() {
        take()?.end(SIGTERM)
        removeRoot()
    }

    private func onThread(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                body()
                continuation.resume()
            }
        }
    }

    private func take() -> RunningProcess? {
        process.withLock { process in
            defer { process = nil }
            return process
        }
    }

    private static func program() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        if let named = environment["FENDER_TEST_DOCKERD"] { return named }
        let directories = (environment["PATH"] ?? "").split(separator: ":").map(String.init) + ["/usr/sbin"]
        guard let directory = directories.first(where: { access("\($0)/dockerd", X_OK) == 0 }) else {
            throw Failure(description: "no dockerd in PATH; install docker.io")
        }
        return "\(directory)/dockerd"
    }

    private func command(_ program: String) -> [String] {
        [
            // A test process that dies without exit(3) takes the daemon along.
            "/usr/bin/setpriv", "--pdeathsig", "TERM", "--", program,
            "--host", "unix://\(socket)", "--data-root", "\(root)/data", "--exec-root", "\(root)/exec",
            "--pidfile", "\(root)/pid", "--bridge=none", "--iptables=false", "--ip-forward=false",
            "--exec-opt", "native.cgroupdriver=cgroupfs", "--shutdown-timeout", "2",
            // Should a containerd of the host be running, dockerd would use it.
            "--containerd-namespace", "fender-\(getpid())", "--containerd-plugins-namespace", "fenderp-\(getpid())",
        ] + arguments
    }

    /// Ends what a killed daemon left running, unmounts what it left mounted, and removes the directory.
    private func removeRoot() {
        if let text = try? String(contentsOfFile: "\(root)/exec/containerd/containerd.pid", encoding: .utf8),
            let pid = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)),
            let command = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8), command.contains(root)
        {
            Glibc.kill(pid, SIGKILL)
        }
        let mounts = (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
        let points = mounts.split(separator: "\n").compactMap { $0.split(separator: " ").dropFirst(4).first }
        for point in points.reversed() where point.hasPrefix(root + "/") {
            umount2(String(point), CInt(MNT_DETACH))
        }
        try? FileManager.default.removeItem(atPath: root)
    }
}

/// Starts the shared daemon once, whoever comes first.
private actor SharedDaemon {
    static let instance = SharedDaemon()
    private var starting: Task<DockerDaemon, any Error>?

    func daemon() async throws -> DockerDaemon {
        if let starting { return try await starting.value }
        let task = Task {
            let daemon = try await DockerDaemon.start()
            daemonToStop.withLock { $0 = daemon }
            atexit { daemonToStop.withLock { $0 }?.stopAtExit() }
            return daemon
        }
        starting = task
        return try await task.value
    }
}

private let daemonToStop = Mutex<DockerDaemon?>(nil)
