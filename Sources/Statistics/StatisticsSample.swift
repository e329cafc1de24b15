/// How much is read of each subject: every file costs the kernel a walk to it.
public enum StatisticsDepth: Int, Sendable, Comparable {
    /// CPU time, memory and pressure.
    case usage
    /// Also how many processes there are.
    case processes
    /// Everything that a metric shows.
    case metrics

    /// Whether the right one has more.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Whose statistics are asked for.
public struct StatisticsSubject: Sendable {
    /// The container's id, or that of a sandbox's infra container; its cgroup's path has it in it.
    public var id: String
    /// Its first process on the host; 0 when it does not run.
    public var pid: Int32
    /// For a sandbox: the pod's uid, by which the cgroup that a kubelet made for the whole pod is recognised.
    public var podUID: String?
    /// Whether its network namespace is its own and to be read.
    public var hasNetwork: Bool
    /// A directory on the file system that holds its writable layer; empty for none.
    public var storage: String

    /// A subject.
    public init(
        id: String, pid: Int32, podUID: String? = nil, hasNetwork: Bool = false, storage: String = ""
    ) {
        self.id = id
        self.pid = pid
        self.podUID = podUID
        self.hasNetwork = hasNetwork
        self.storage = storage
    }
}

/// What was read of one container or sandbox in one pass.
public struct StatisticsSample: Sendable {
    /// When, nanoseconds since the epoch.
    public var time: Int64
    /// Its own cgroup.
    public var own: Part
    /// The whole pod's cgroup; nil for containers and where no kubelet made one.
    public var pod: Part?
    /// Its network interfaces, loopback left out.
    public var interfaces: [InterfaceSample] = []
    /// How many processes are in its own cgroup; 0 unless they were asked for.
    public var processCount: UInt64 = 0
    /// What /proc tells of them; nil unless metrics were asked for.
    public var processes: ProcessSample?
    /// The file system of its writable layer; nil unless metrics were asked for.
    public var filesystem: FilesystemSample?

    /// A sample of a cgroup in which nothing was found.
    public init(time: Int64, path: String) {
        self.init(time: time, own: Part(path: path, cgroup: CgroupSample(), nanoCores: nil))
    }

    init(time: Int64, own: Part) {
        self.time = time
        self.own = own
    }

    /// One cgroup's files.
    public struct Part: Sendable {
        /// The cgroup's path below its hierarchy's mount.
        public var path: String
        /// What its files told.
        public var cgroup: CgroupSample
        /// CPU time a second, in billionths of a core, since the pass before; nil in the first one.
        public var nanoCores: UInt64?

        /// A part.
        public init(path: String, cgroup: CgroupSample, nanoCores: UInt64?) {
            self.path = path
            self.cgroup = cgroup
            self.nanoCores = nanoCores
        }
    }
}
