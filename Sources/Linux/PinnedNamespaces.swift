internal import CLinux
internal import Glibc

/// Namespaces that live without a process: each is bind-mounted on a file of its name (namespaces(7)).
public struct PinnedNamespaces: Sendable {
    /// What can be pinned; the raw value is the name below `/proc/PID/ns`.
    public enum Kind: String, Sendable, CaseIterable {
        case network = "net"
        case ipc
        case uts
        case user
    }

    /// The directory of the files.
    public let directory: String

    /// The namespaces of `directory`, made or not.
    public init(directory: String) { self.directory = directory }

    /// The file of a kind.
    public func path(_ kind: Kind) -> String { "\(directory)/\(kind.rawValue)" }

    /// Makes new namespaces, runs `prepare` on a thread inside of them, and pins them. A failure leaves nothing.
    ///
    /// With `maps` there is a user namespace too, which owns the others; `prepare` does not run in that one, since no
    /// thread of a process that has several can.
    public func make(
        _ kinds: Set<Kind>, maps: IDMaps? = nil, prepare: @escaping @Sendable () throws -> Void
    ) async throws {
        let kinds = kinds.subtracting([.user])
        try Files.makeDirectories(directory, mode: 0o700)
        do {
            try await DedicatedThread.run { [self] in
                guard let maps else { return try make(kinds, prepare) }
                let holder = try NamespaceHolder.make(maps, owning: kinds)
                for kind in kinds { try enter(holder.path(kind)) }
                try prepare()
                for kind in kinds.union([.user]) { try pin(kind, holder.path(kind)) }
            }
        } catch {
            try? release()
            throw error
        }
    }

    private func make(_ kinds: Set<Kind>, _ prepare: () throws -> Void) throws {
        func flag(_ kind: Kind) -> CInt { kinds.contains(kind) ? 1 : 0 }
        try system("unshare") { fender_new_namespaces(flag(.network), flag(.ipc), flag(.uts)) }
        try prepare()
        for kind in kinds { try pin(kind, "/proc/thread-self/ns/\(kind.rawValue)") }
    }

    private func enter(_ path: String) throws {
        let namespace = try Descriptor.open(path, O_RDONLY)
        let number = namespace.raw
        try system("setns", path) { fender_enter_namespace(number) }
    }

    private func pin(_ kind: Kind, _ source: String) throws {
        let path = path(kind)
        _ = try Descriptor.open(path, O_RDONLY | O_CREAT | O_EXCL, mode: 0o400)
        try system("mount", path) { fender_mount(source, path, nil, UInt(FENDER_MS_BIND), nil) }
    }

    /// Whether the file of that kind is a namespace now: not after a reboot.
    public func isPinned(_ kind: Kind) -> Bool {
        guard let file = try? Descriptor.open(path(kind), O_RDONLY | O_NONBLOCK) else { return false }
        return fender_is_namespace(file.raw) != 0
    }

    /// Lets go of all; they end with their last process. Repeating it is fine.
    public func release() throws {
        for name in try Files.names(in: directory) {
            let path = "\(directory)/\(name)"
            try Mounts.detachAll(path)
            try Files.remove(path)
        }
        try Files.removeDirectory(directory)
    }
}
