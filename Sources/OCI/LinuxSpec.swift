/// `linux` (config-linux.md).
public struct LinuxSpec: Sendable {
    /// The specification's `namespaces`.
    public var namespaces: [Namespace] = []
    /// The specification's `uidMappings`.
    public var uidMappings: [IDMapping] = []
    /// The specification's `gidMappings`.
    public var gidMappings: [IDMapping] = []
    /// Seconds and nanoseconds by clock.
    public var timeOffsets: [(clock: String, seconds: Int64, nanoseconds: UInt32)] = []
    /// The specification's `devices`.
    public var devices: [Device] = []
    /// The specification's `cgroupsPath`.
    public var cgroupsPath: String?
    /// The specification's `resources`.
    public var resources = Resources()
    /// The specification's `rootfsPropagation`.
    public var rootfsPropagation: String?
    /// The specification's `seccomp`.
    public var seccomp: Seccomp?
    /// The specification's `sysctl`.
    public var sysctl: [(key: String, value: String)] = []
    /// The specification's `maskedPaths`.
    public var maskedPaths: [String] = []
    /// The specification's `readonlyPaths`.
    public var readonlyPaths: [String] = []
    /// The specification's `mountLabel`.
    public var mountLabel: String?
    /// PER_LINUX32 asked for; nil leaves the persona alone.
    public var personality32: Bool?

    /// One of `namespaces`.
    public struct Namespace: Sendable, Equatable {
        /// The specification's `kind`.
        public var kind: Kind
        /// Nil makes a new one.
        public var path: String?

        /// The specification's `Kind`.
        public enum Kind: String, Sendable, CaseIterable {
            case pid, network, mount, ipc, uts, user, cgroup, time
        }
    }

    /// One of `devices`.
    public struct Device: Sendable {
        /// "b", "c", "u" or "p".
        public var type: String
        /// The specification's `path`.
        public var path: String
        /// The specification's `major`.
        public var major: Int64
        /// The specification's `minor`.
        public var minor: Int64
        /// The specification's `mode`.
        public var mode: UInt32
        /// The specification's `uid`.
        public var uid: UInt32
        /// The specification's `gid`.
        public var gid: UInt32
    }

    init() {}

    init(_ field: Field) throws {
        namespaces = try field["namespaces"].array(Namespace.init)
        for (index, namespace) in namespaces.enumerated()
        where namespaces[..<index].contains(where: { $0.kind == namespace.kind }) {
            throw field["namespaces"].error("lists \(namespace.kind.rawValue) twice")
        }
        uidMappings = try field["uidMappings"].array(IDMapping.init)
        gidMappings = try field["gidMappings"].array(IDMapping.init)
        timeOffsets = try Self.offsets(field["timeOffsets"])
        devices = try field["devices"].array(Device.init)
        cgroupsPath = try field["cgroupsPath"].string()
        resources = try field["resources"].object(Resources.init) ?? Resources()
        rootfsPropagation = try field["rootfsPropagation"].string()
        seccomp = try field["seccomp"].object(Seccomp.init)
        sysctl = try field["sysctl"].dictionary()
        maskedPaths = try field["maskedPaths"].strings()
        readonlyPaths = try field["readonlyPaths"].strings()
        mountLabel = try field["mountLabel"].string()
        personality32 = try field["personality"].object(Self.personality)
        for unsupported in ["intelRdt", "memoryPolicy", "netDevices"] { try field[unsupported].refuse() }
    }

    private static func offsets(
        _ field: Field
    ) throws -> [(clock: String, seconds: Int64, nanoseconds: UInt32)] {
        try ["monotonic", "boottime"].compactMap { clock in
            try field[clock].object { (clock, try $0["secs"].integer() ?? 0, try $0["nanosecs"].integer() ?? 0) }
        }
    }

    private static func personality(_ field: Field) throws -> Bool {
        try field["flags"].refuse()
        switch try field["domain"].required() {
        case "LINUX": return false
        case "LINUX32": return true
        default: throw field["domain"].error("is unknown")
        }
    }
}

extension LinuxSpec.Namespace {
    init(_ field: Field) throws {
        guard let kind = Kind(rawValue: try field["type"].required()) else { throw field["type"].error("is unknown") }
        self.kind = kind
        let path = try field["path"].string() ?? ""
        guard path.isEmpty || path.hasPrefix("/") else { throw field["path"].error("must be absolute") }
        self.path = path.isEmpty ? nil : path
    }
}

extension LinuxSpec.Device {
    init(_ field: Field) throws {
        type = try field["type"].required()
        guard ["b", "c", "u", "p"].contains(type) else { throw field["type"].error("must be b, c, u or p") }
        path = try field["path"].required()
        guard path.hasPrefix("/") else { throw field["path"].error("must be absolute") }
        major = try field["major"].integer() ?? 0
        minor = try field["minor"].integer() ?? 0
        mode = try field["fileMode"].integer() ?? 0o666
        uid = try field["uid"].integer() ?? 0
        gid = try field["gid"].integer() ?? 0
    }
}

/// `linux.seccomp`.
public struct Seccomp: Sendable {
    /// The specification's `defaultAction`.
    public var defaultAction: Action
    /// The specification's `architectures`.
    public var architectures: [String]
    /// The specification's `flags`.
    public var flags: [String]
    /// The specification's `listenerPath`.
    public var listenerPath: String?
    /// The specification's `listenerMetadata`.
    public var listenerMetadata: String
    /// The specification's `rules`.
    public var rules: [Rule]
    /// The section as text, what a compiled filter is remembered by.
    public var text: [UInt8]

    /// SCMP_ACT_* with its errno or message.
    public struct Action: Sendable, Equatable {
        /// The specification's `name`.
        public var name: String
        /// The specification's `value`.
        public var value: UInt32?
    }

    /// One of `syscalls`.
    public struct Rule: Sendable {
        /// The specification's `names`.
        public var names: [String]
        /// The specification's `action`.
        public var action: Action
        /// The specification's `conditions`.
        public var conditions: [Condition]
        /// The specification's `path`.
        public var path: String
    }

    /// One of `args`.
    public struct Condition: Sendable {
        /// The specification's `index`.
        public var index: UInt32
        /// The specification's `value`.
        public var value: UInt64
        /// The specification's `second`.
        public var second: UInt64
        /// The specification's `operation`.
        public var operation: String
    }

    init(_ field: Field) throws {
        text = field.value?.bytes ?? []
        defaultAction = Action(
            name: try field["defaultAction"].required(), value: try field["defaultErrnoRet"].integer())
        architectures = try field["architectures"].strings()
        flags = try field["flags"].strings()
        listenerPath = try field["listenerPath"].string()
        listenerMetadata = try field["listenerMetadata"].string() ?? ""
        rules = try field["syscalls"].array { field in
            Rule(
                names: try field["names"].strings(),
                action: Action(name: try field["action"].required(), value: try field["errnoRet"].integer()),
                conditions: try field["args"].array(Condition.init), path: field.path)
        }
    }
}

extension Seccomp.Condition {
    init(_ field: Field) throws {
        index = try field["index"].integer() ?? 0
        guard index < 6 else { throw field["index"].error("must be 0 to 5") }
        value = try field["value"].integer() ?? 0
        second = try field["valueTwo"].integer() ?? 0
        operation = try field["op"].required()
    }
}
