internal import Glibc
internal import Linux
internal import OCI

/// What is remembered of a container in `<root>/<id>/state.json`; the rest the kernel tells.
struct ContainerRecord: Sendable {
    var version: String
    var id: String
    var bundle: String
    var rootfs: String
    var created: String
    /// Nil until there is a process.
    var process: ProcessIdentity?
    /// Who stays with it; nil for a container without a supervisor, and until there is one.
    var supervisor: ProcessIdentity?
    /// Where the supervisor records the end, unless it is beside this.
    var exitFile: String?
    var cgroups: [CgroupRecord]
    /// systemd's unit around the cgroups; nil where they are ours.
    var unit: SystemdUnit?
    /// Who made the container and handles it in our place; nil when we do.
    var runtime: RuntimeProgram?
    var annotations: [(key: String, value: String)]
    /// Whether the specification has hooks for later; without, it need not be read again.
    var hasHooks: Bool

    init(_ spec: Spec, id: String, bundle: String, rootfs: String, cgroups: [CgroupRecord]) {
        version = spec.version
        self.id = id
        self.bundle = bundle
        self.rootfs = rootfs
        created = Timestamp.now()
        self.cgroups = cgroups
        annotations = spec.annotations
        hasHooks = !spec.hooks.poststart.isEmpty || !spec.hooks.poststop.isEmpty
    }

    init(parsing bytes: [UInt8]) throws {
        let field = Field(try JSON(parsing: bytes))
        version = try field["ociVersion"].required()
        id = try field["id"].required()
        bundle = try field["bundle"].required()
        rootfs = try field["rootfs"].required()
        created = try field["created"].required()
        cgroups = try field["cgroups"].array {
            CgroupRecord(
                controllers: try $0["controllers"].strings(), directory: try $0["directory"].required())
        }
        annotations = try field["annotations"].dictionary()
        process = try ProcessIdentity(field["pid"], field["startTime"])
        supervisor = try ProcessIdentity(field["supervisorPid"], field["supervisorStartTime"])
        exitFile = try field["exitFile"].string()
        hasHooks = try field["hooks"].isPresent ? field["hooks"].bool() : true
        unit = try field["unit"].string().map { SystemdUnit(name: $0) }
        if let path = try field["runtime"].string() {
            runtime = RuntimeProgram(
                path: path, root: try field["runtimeRoot"].required(),
                startsInCgroup: try field["runtimeCgroup"].bool())
        }
    }

    var json: JSON {
        .compact([
            ("ociVersion", .string(version)), ("id", .string(id)), ("bundle", .string(bundle)),
            ("rootfs", .string(rootfs)), ("created", .string(created)),
            ("pid", process.map { .integer($0.pid) }), ("startTime", process.map { .integer($0.startTime) }),
            ("supervisorPid", supervisor.map { .integer($0.pid) }),
            ("supervisorStartTime", supervisor.map { .integer($0.startTime) }),
            ("exitFile", exitFile.map { .string($0) }),
            ("hooks", .bool(hasHooks)), ("cgroups", .array(cgroups.map(\.json))),
            ("unit", unit.map { .string($0.name) }),
            ("runtime", runtime.map { .string($0.path) }), ("runtimeRoot", runtime.map { .string($0.root) }),
            ("runtimeCgroup", runtime.map { .bool($0.startsInCgroup) }),
            ("annotations", .object(annotations.map { JSON.Member($0.key, .string($0.value)) })),
        ])
    }
}

extension ProcessIdentity {
    /// Nil when the fields are absent.
    fileprivate init?(_ pid: Field, _ startTime: Field) throws {
        guard let pid = try pid.integer(Int32.self), pid > 0, let time: UInt64 = try startTime.integer() else {
            return nil
        }
        self.init(pid: pid, startTime: time)
    }
}

extension CgroupRecord {
    fileprivate var json: JSON {
        .compact([
            ("controllers", .array(controllers.map { .string($0) })), ("directory", .string(directory)),
        ])
    }
}

/// Files that are replaced as a whole and die with the host: no fsync.
enum VolatileFile {
    /// A new one, that nobody reads before it is whole.
    static func make(_ path: String, with bytes: [UInt8], mode: UInt32 = 0o600) throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try bytes.withUnsafeBytes { try file.writeAll($0) }
    }

    static func replace(_ path: String, with bytes: [UInt8], mode: UInt32 = 0o600) throws {
        let temporary = "\(path).\(getpid())"
        do {
            try make(temporary, with: bytes, mode: mode)
            try system("rename", path) { rename(temporary, path) }
        } catch {
            try? Files.remove(temporary)
            throw error
        }
    }
}

/// Times as RFC 3339 writes them, in UTC.
public enum Timestamp {
    /// Now, to the nanosecond.
    public static func now() -> String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var parts = tm()
        gmtime_r(&time.tv_sec, &parts)
        func padded(_ value: Int, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let day = "\(parts.tm_year + 1900)-\(padded(Int(parts.tm_mon) + 1, 2))-\(padded(Int(parts.tm_mday), 2))"
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded(Int($0), 2) }.joined(separator: ":")
        return "\(day)T\(clock).\(padded(time.tv_nsec, 9))Z"
    }
}
