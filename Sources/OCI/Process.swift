/// `process`: what runs in the container, also the document that `exec --process` takes.
public struct Process: Sendable {
    /// The specification's `terminal`.
    public var terminal: Bool
    /// Rows and columns.
    public var consoleSize: (height: UInt16, width: UInt16)?
    /// The specification's `arguments`.
    public var arguments: [String]
    /// The specification's `environment`.
    public var environment: [String]
    /// The specification's `directory`.
    public var directory: String
    /// The specification's `uid`.
    public var uid: UInt32
    /// The specification's `gid`.
    public var gid: UInt32
    /// The specification's `additionalGids`.
    public var additionalGids: [UInt32]
    /// The specification's `umask`.
    public var umask: UInt32?
    /// Nil when the document says nothing: the process then keeps none.
    public var capabilities: CapabilitySets?
    /// The specification's `noNewPrivileges`.
    public var noNewPrivileges: Bool
    /// The specification's `limits`.
    public var limits: [Limit]
    /// The specification's `oomScore`.
    public var oomScore: Int32?
    /// The specification's `appArmorProfile`.
    public var appArmorProfile: String?
    /// The specification's `selinuxLabel`.
    public var selinuxLabel: String?
    /// The specification's `scheduler`.
    public var scheduler: Scheduler?
    /// Class (1 real time, 2 best effort, 3 idle) and priority.
    public var ioPriority: (kind: UInt64, priority: UInt64)?
    /// As cpuset(7) lists write it.
    public var initialAffinity: String?
    /// The specification's `finalAffinity`.
    public var finalAffinity: String?

    /// The five sets, names as written.
    public struct CapabilitySets: Sendable {
        /// The specification's `bounding`.
        public var bounding: [String]
        /// The specification's `effective`.
        public var effective: [String]
        /// The specification's `permitted`.
        public var permitted: [String]
        /// The specification's `inheritable`.
        public var inheritable: [String]
        /// The specification's `ambient`.
        public var ambient: [String]

        /// The same names in bounding, effective and permitted.
        public init(_ names: [String]) {
            (bounding, effective, permitted, inheritable, ambient) = (names, names, names, [], [])
        }
    }

    /// One of `rlimits`.
    public struct Limit: Sendable {
        /// RLIMIT_* number.
        public var resource: UInt64
        /// The specification's `soft`.
        public var soft: UInt64
        /// The specification's `hard`.
        public var hard: UInt64
    }

    /// `scheduler`, for sched_setattr(2).
    public struct Scheduler: Sendable {
        /// The specification's `policy`.
        public var policy: UInt64
        /// The specification's `flags`.
        public var flags: UInt64
        /// The specification's `nice`.
        public var nice: Int32
        /// The specification's `priority`.
        public var priority: Int32
        /// The specification's `runtime`.
        public var runtime: UInt64
        /// The specification's `deadline`.
        public var deadline: UInt64
        /// The specification's `period`.
        public var period: UInt64
    }

    /// Reads and checks a process document.
    public init(parsing bytes: [UInt8]) throws {
        let field = Field(try JSON(parsing: bytes), path: "")
        guard case .object = field.value else { throw SpecError("", "process must be an object") }
        try self.init(field)
    }

    init(_ field: Field) throws {
        terminal = try field["terminal"].bool()
        consoleSize = try field["consoleSize"].object {
            (try $0["height"].integer() ?? 0, try $0["width"].integer() ?? 0)
        }
        arguments = try field["args"].strings()
        guard let first = arguments.first, !first.isEmpty else { throw field["args"].error("is empty") }
        environment = try field["env"].strings()
        directory = try field["cwd"].required()
        guard directory.hasPrefix("/") else { throw field["cwd"].error("must be absolute") }
        let user = field["user"]
        uid = try user["uid"].integer() ?? 0
        gid = try user["gid"].integer() ?? 0
        additionalGids = try user["additionalGids"].array { try $0.integer(UInt32.self) ?? 0 }
        umask = try user["umask"].integer()
        capabilities = try field["capabilities"].object(CapabilitySets.init)
        noNewPrivileges = try field["noNewPrivileges"].bool()
        limits = try field["rlimits"].array(Limit.init)
        oomScore = try field["oomScoreAdj"].integer()
        if let oomScore, !(-1000...1000 ~= oomScore) { throw field["oomScoreAdj"].error("must be -1000 to 1000") }
        appArmorProfile = try field["apparmorProfile"].string()
        selinuxLabel = try field["selinuxLabel"].string()
        scheduler = try field["scheduler"].object(Scheduler.init)
        ioPriority = try field["ioPriority"].object(Self.ioPriority)
        initialAffinity = try field["execCPUAffinity"]["initial"].string()
        finalAffinity = try field["execCPUAffinity"]["final"].string()
    }

    private static func ioPriority(_ field: Field) throws -> (kind: UInt64, priority: UInt64) {
        let classes = ["IOPRIO_CLASS_RT": UInt64(1), "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3]
        guard let kind = classes[try field["class"].required()] else { throw field["class"].error("is unknown") }
        let priority: UInt64 = try field["priority"].integer() ?? 0
        guard priority <= 7 else { throw field["priority"].error("must be 0 to 7") }
        return (kind, priority)
    }
}

extension Process.CapabilitySets {
    init(_ field: Field) throws {
        bounding = try field["bounding"].strings()
        effective = try field["effective"].strings()
        permitted = try field["permitted"].strings()
        inheritable = try field["inheritable"].strings()
        ambient = try field["ambient"].strings()
    }
}

extension Process.Limit {
    private static let resources = [
        "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS", "LOCKS", "SIGPENDING",
        "MSGQUEUE", "NICE", "RTPRIO", "RTTIME",
    ]

    init(_ field: Field) throws {
        let type = try field["type"].required()
        guard type.hasPrefix("RLIMIT_"), let index = Self.resources.firstIndex(of: String(type.dropFirst(7))) else {
            throw field["type"].error("\(type) is unknown")
        }
        guard let soft = try field["soft"].integer(UInt64.self), let hard = try field["hard"].integer(UInt64.self)
        else { throw field.error("needs soft and hard") }
        guard soft <= hard else { throw field["soft"].error("is above hard") }
        (resource, self.soft, self.hard) = (UInt64(index), soft, hard)
    }
}

extension Process.Scheduler {
    private static let policies = [
        "SCHED_OTHER": UInt64(0), "SCHED_FIFO": 1, "SCHED_RR": 2, "SCHED_BATCH": 3, "SCHED_ISO": 4, "SCHED_IDLE": 5,
        "SCHED_DEADLINE": 6,
    ]
    private static let flags = [
        "SCHED_FLAG_RESET_ON_FORK": UInt64(1), "SCHED_FLAG_RECLAIM": 2, "SCHED_FLAG_DL_OVERRUN": 4,
        "SCHED_FLAG_KEEP_POLICY": 8, "SCHED_FLAG_KEEP_PARAMS": 16, "SCHED_FLAG_UTIL_CLAMP_MIN": 32,
        "SCHED_FLAG_UTIL_CLAMP_MAX": 64,
    ]

    init(_ field: Field) throws {
        guard let policy = Self.policies[try field["policy"].required()] else {
            throw field["policy"].error("is unknown")
        }
        self.policy = policy
        flags = try field["flags"].array {
            guard let bit = Self.flags[try $0.required()] else { throw $0.error("is unknown") }
            return bit
        }.reduce(0, |)
        nice = try field["nice"].integer() ?? 0
        priority = try field["priority"].integer() ?? 0
        runtime = try field["runtime"].integer() ?? 0
        deadline = try field["deadline"].integer() ?? 0
        period = try field["period"].integer() ?? 0
    }
}
