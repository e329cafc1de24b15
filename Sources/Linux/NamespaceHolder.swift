internal import CLinux
internal import Glibc

/// A process that does nothing but keep a new user namespace, and namespaces that this one owns, for a moment.
public struct NamespaceHolder: ~Copyable {
    /// Its namespaces are below `/proc/<pid>/ns`.
    public let pid: Int32
    private let lifeline: (CInt, CInt)

    private init(pid: Int32, lifeline: (CInt, CInt)) {
        self.pid = pid
        self.lifeline = lifeline
    }

    /// Makes the namespaces. Throws ``SystemError``: ENOSPC or EPERM where the machine has no user namespaces to give.
    public static func make(
        _ maps: IDMaps, owning kinds: Set<PinnedNamespaces.Kind> = []
    ) throws -> NamespaceHolder {
        func flag(_ kind: PinnedNamespaces.Kind) -> CInt { kinds.contains(kind) ? 1 : 0 }
        var ends: [CInt] = [-1, -1]
        let pid = try system("clone", "user namespace") {
            fender_hold_namespaces(flag(.network), flag(.ipc), flag(.uts), &ends)
        }
        let holder = NamespaceHolder(pid: pid, lifeline: (ends[0], ends[1]))
        try Files.poke("/proc/\(pid)/uid_map", maps.users.map(\.line).joined())
        try Files.poke("/proc/\(pid)/gid_map", maps.groups.map(\.line).joined())
        return holder
    }

    deinit { fender_release_namespaces(pid, [lifeline.0, lifeline.1]) }

    /// The file of a kind.
    public func path(_ kind: PinnedNamespaces.Kind) -> String { "/proc/\(pid)/ns/\(kind.rawValue)" }
}

/// The calling thread as somebody else.
public enum ThreadIdentity {
    /// Runs `body` with the effective ids of a user and group of the host's, and without root's capabilities.
    ///
    /// What belongs to a user namespace may be set by its own root alone, such as the limits of an IPC namespace.
    public static func acting<Value>(asUser user: UInt32, group: UInt32, _ body: () throws -> Value) throws -> Value {
        let (own, ownGroup) = (geteuid(), getegid())
        if (own, ownGroup) == (user, group) { return try body() }
        try system("setresuid", "\(user):\(group)") { fender_act_as(user, group) }
        defer { backTo(own, ownGroup) }
        return try body()
    }

    /// The real ids stayed, so the kernel cannot refuse; a thread that went on as somebody else would do harm.
    private static func backTo(_ user: UInt32, _ group: UInt32) {
        guard fender_resume(user, group) == 0 else { preconditionFailure("setresuid: \(errno)") }
    }
}
