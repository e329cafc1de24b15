internal import CLinux
internal import Glibc

/// A process and everything it started, for ending a command that ran out of time.
public enum ProcessTree {
    /// Kills a process and all its descendants and waits for their end, at most `patience` milliseconds.
    ///
    /// Every process is held by a pidfd, so a reused number is never hit. The tree is stopped from the root
    /// down before anything is killed, so that a parent cannot start or orphan children meanwhile.
    ///
    /// With `isExpected`, what the root's children left behind when they ended goes too, also when the root
    /// itself is gone: the members of the session that the root leads, as a process that an OCI runtime
    /// executes does. It is asked of the root and of each such process, once held, whether it is one that
    /// the caller means, for example because it is in the container's cgroup.
    ///
    /// Blocks the calling thread. Answers whether all are gone; a root that is not there counts as gone.
    @discardableResult
    public static func kill(
        _ root: Int32, patience: Int32 = 5_000, isExpected: ((Int32) -> Bool)? = nil
    ) throws -> Bool {
        guard root > 1, root != getpid() else {
            throw SystemError(call: "kill", object: "process \(root)", code: EINVAL)
        }
        var tree: [HeldProcess] = []
        if let held = try HeldProcess(root) {
            guard isExpected?(root) ?? true else { return true }
            try held.send(SIGSTOP)
            tree = [held]
        }
        let isLeader = tree.first.map { $0.session == root } ?? true
        // A stop takes effect when the process next enters the kernel: until then it may still fork, hence
        // the rounds.
        while true {
            let size = tree.count
            try addChildren(to: &tree)
            if let isExpected, isLeader { try addSession(root, to: &tree, where: isExpected) }
            if tree.count == size { break }
        }
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

    /// Stops and adds what the tree's processes started.
    private static func addChildren(to tree: inout [HeldProcess]) throws {
        var known = Set(tree.map(\.pid))
        var index = 0
        while index < tree.count {
            let parent = tree[index].pid
            for child in (try? children(of: parent)) ?? [] where !known.contains(child) {
                guard let held = try HeldProcess(child), held.parent == parent else { continue }
                try held.send(SIGSTOP)
                known.insert(child)
                tree.append(held)
            }
            index += 1
        }
    }

    /// Stops and adds the members of a session. Its number is not given to another one while any lives.
    private static func addSession(
        _ session: Int32, to tree: inout [HeldProcess], where isExpected: (Int32) -> Bool
    ) throws {
        let known = Set(tree.map(\.pid))
        for pid in try Files.names(in: "/proc").compactMap({ Int32($0) }) where !known.contains(pid) && pid > 1 {
            guard HeldProcess.stat(pid)?.session == session, let held = try HeldProcess(pid) else { continue }
            guard held.session == session, pid != getpid(), isExpected(pid) else { continue }
            try held.send(SIGSTOP)
            tree.append(held)
        }
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
    var parent: Int32? { current?.parent }

    /// The session's id now; nil once the process is gone.
    var session: Int32? { current?.session }

    private var current: (parent: Int32, session: Int32)? {
        let numbers = Self.stat(pid)
        // Only then was it this process that was read about.
        return fender_pidfd_send_signal(descriptor.raw, 0) == 0 ? numbers : nil
    }

    /// What proc_pid_stat(5) says of whoever has the number.
    static func stat(_ pid: Int32) -> (parent: Int32, session: Int32)? {
        guard let text = try? Files.text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        // state, parent, process group, session
        let fields = text[text.index(after: end)...].split(separator: " ", maxSplits: 4)
        guard fields.count > 4, let parent = Int32(fields[1]), let session = Int32(fields[3]) else { return nil }
        return (parent, session)
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
