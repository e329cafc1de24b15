internal import CLinux
internal import Glibc

/// A network namespace held open by a descriptor: it lives as long as this value, a process in it or a mount of it.
public final class NetworkNamespace: Sendable {
    private let descriptor: Descriptor

    private init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// Opens a namespace by its path, such as `/proc/<pid>/ns/net`. Throws SystemError: ENOENT when it is gone, EINVAL
    /// when the path leads to something else.
    public convenience init(path: String) throws {
        // Whatever may be there in its stead, such as a FIFO, must not hold us up.
        let opened = try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
        guard fender_is_netns(opened.raw) != 0 else { throw SystemError(call: "open", object: path, code: EINVAL) }
        self.init(opened)
    }

    /// Makes a namespace of its own, with a loopback interface that is down.
    public static func create() async throws -> NetworkNamespace {
        try await DedicatedThread.run {
            try system("unshare") { fender_new_netns() }
            return try NetworkNamespace(path: "/proc/thread-self/ns/net")
        }
    }

    /// A path that leads to the namespace for every process, as long as this value lives.
    public var path: String { "/proc/\(getpid())/fd/\(descriptor.raw)" }

    /// Runs `body` on a thread inside the namespace. The thread ends with it and never comes back to other work.
    public func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await DedicatedThread.run { [self] in
            try system("setns", path) { fender_enter_netns(descriptor.raw) }
            return try body()
        }
    }

    /// Puts the calling thread into a namespace, for programs of one thread. Throws SystemError.
    public static func enter(_ descriptor: CInt) throws {
        try system("setns", "network namespace") { fender_enter_netns(descriptor) }
    }

    /// Whether both are the same namespace.
    public func isSame(as other: NetworkNamespace) throws -> Bool {
        let (mine, theirs) = (try descriptor.status(), try other.descriptor.status())
        return mine.st_dev == theirs.st_dev && mine.st_ino == theirs.st_ino
    }

    /// Whether this is the namespace that the calling process started in.
    public func isOwn() throws -> Bool {
        try isSame(as: NetworkNamespace(path: "/proc/self/ns/net"))
    }
}

extension NetworkNamespace {
    /// Brings `lo` up, which gives it 127.0.0.1 and ::1.
    public func bringLoopbackUp() async throws {
        try await run { try Netlink().bringUp(interface: "lo") }
    }

    /// The global addresses of an interface in the kernel's order; empty when there is no such interface.
    public func addresses(of interface: String) async throws -> [InterfaceAddress] {
        try await run { try Netlink().addresses(of: interface) }
    }
}
