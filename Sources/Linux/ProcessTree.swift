internal import CLinux
internal import Glibc

/// A process and everything it started, for ending a command that ran out of time.
public enum ProcessTree {
    /// Kills a process and all its descendants and waits for their end, at most `patience` milliseconds.
    ///
    /// Every process is held by a pidfd, so a reused number is never hit. The tree is stopped from the
    /// root down before anything is killed, so that a parent cannot start or orphan children meanwhile;
    /// what was already orphaned before the call is out of reach. `isExpected` is asked, once the root is
    /// held, whether it is still the process the caller means; a `false` kills nothing.
    ///
    /// Blocks the calling thread. Answers whether all are gone; a root that is not there counts as gone.
    @discardableResult
    public static func kill(
        _ root: Int32, patience: Int32 = 5_000, isExpected: (Int32) -> Bool = { _ in true }
    ) throws -> Bool {
        guard root > 1, root != getpid() else {
            throw SystemError(call: "kill", object: "process \(root)", code: EINVAL)
        }
        guard let held = try HeldProcess(root) else { return true }
        guard isExpected(root) else { return true }
        let tree = try stopped(held)
        // Leaves first or last makes no difference: all are stopped.
        for process in tree { try process.send(SIGKILL) }
        return try awaitEnd(of: tree, patience: patience)
    }

    /// The ids of the direct children of a process, of all its threads.
    public static func children(of pid: Int32) throws -> [Int32] {
        var found: [Int32] = []
        for thread in try Files.names(in: "/proc/\(pid)/task") {
            guard let text = try? Files.text("/proc/\(pid)/task/\(thread)/children") else { continue }
            found += text.split(separator: " ").compactMap { Int32($0) }
        }
        return found
    }

    /// Stops the tree below `root` and answers all of it; again and again until no new process is seen.
    private static func stopped(_ root: HeldProcess) throws -> [HeldProcess] {
        var tree = [root]
        var known: Set<Int32> = [root.pid]
        try root.send(SIGSTOP)
        var grew = true
        while grew {
            grew = false
            // A stop takes effect when the process next enters the kernel: until then it may still fork,
            // hence the rounds.
            for parent in tree {
                for child in (try? children(of: parent.pid)) ?? [] where !known.contains(child) {
                    guard let held = try HeldProcess(child), held.parent == parent.pid else { continue }
                    try held.send(SIGSTOP)
                    known.insert(child)
                    tree.append(held)
                    grew = true
                }
            }
        }
        return tree
    }

    private static func awaitEnd(of tree: [HeldProcess], patience: Int32) throws -> Bool {
        var clock = timespec()
        clock_gettime(CLOCK_MONOTONIC, &clock)
        let deadline = clock.milliseconds + Int(patience)
        for process in tree {
            clock_gettime(CLOCK_MONOTONIC, &clock)
            guard try process.hasEnded(within: max(0, deadline - clock.milliseconds)) else { return false }
        }
        return true
    }
}

/// A process that cannot become another one while this value lives.
private final class HeldProcess {
    let pid: Int32
    private let descriptor: Descriptor

    /// Nil when there is no such process.
    init?(_ pid: Int32) throws {
        let number = fender_pidfd_open(pid)
        if number < 0 {
            if errno == ESRCH || errno == EINVAL { return nil }
            throw SystemError(call: "pidfd_open", object: "process \(pid)", code: errno)
        }
        self.pid = pid
        self.descriptor = Descriptor(owning: number)
    }

    /// The parent's id now; nil once the process is gone.
    var parent: Int32? {
        guard let text = try? Files.text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")"),
            fender_pidfd_send_signal(descriptor.raw, 0) == 0
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 1 ? Int32(fields[1]) : nil
    }

    func send(_ signal: CInt) throws {
        if fender_pidfd_send_signal(descriptor.raw, signal) != 0 && errno != ESRCH {
            throw SystemError(call: "pidfd_send_signal", object: "process \(pid)", code: errno)
        }
    }

    func hasEnded(within milliseconds: Int) throws -> Bool {
        var entry = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        return try system("poll") { poll(&entry, 1, CInt(clamping: milliseconds)) } > 0
    }
}

extension timespec {
    fileprivate var milliseconds: Int { tv_sec * 1_000 + tv_nsec / 1_000_000 }
}
