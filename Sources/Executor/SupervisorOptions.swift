/// How a container is made under a supervisor: a process of fender-monitor that stays with it.
public struct SupervisorOptions: Sendable {
    /// What every container can be told. Pid file, console socket and preserved descriptors are not for supervised ones.
    public var create = ContainerStore.CreateOptions()
    /// The log in the CRI's format, which is appended to; its directory must exist. Nil for none.
    public var logPath: String?
    /// Whether the process has an input that clients may write to; without one it reads the null device.
    public var stdin = false
    /// Whether that input is closed when the first client with input goes.
    public var stdinOnce = false
    /// Where the record of the end is written, by rename; nil for the container's state directory.
    public var exitFile: String?
    /// The cgroup of the supervisor, absolute in the hierarchies and made when missing; several containers may share
    /// one, and nobody removes it. Nil leaves it in ours.
    public var cgroup: String?

    /// For the bundle in a directory.
    public init(bundle: String) { create.bundle = bundle }
}

/// How a container's first process ended.
public struct ExitRecord: Sendable, Equatable {
    /// The exit code; 128 and the signal's number for one that a signal ended.
    public var code: Int32
    /// The signal that ended it; 0 for none.
    public var signal: Int32
    /// When it was started, in nanoseconds since 1970; 0 when it never was.
    public var startedAt: Int64
    /// When its end was seen, in nanoseconds since 1970.
    public var finishedAt: Int64
    /// How many of its processes the kernel killed for want of memory.
    public var oomKills: UInt64
    /// Lines of the log that could not be written.
    public var droppedLines: UInt64
    /// Their bytes in the log.
    public var droppedBytes: UInt64
}
