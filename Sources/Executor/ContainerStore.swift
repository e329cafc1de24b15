internal import Glibc
internal import Linux
public import OCI

/// The containers of one state directory.
public struct ContainerStore: Sendable {
    /// Absolute.
    public let root: String
    /// The program that carries out plans.
    public let monitor: String
    let program: MonitorProgram

    /// A store in `root`, which is made when the first container is; `isShortLived` for a process that makes one or two.
    public init(root: String, monitor: String, isShortLived: Bool = false) {
        self.root = root
        self.monitor = monitor
        program = MonitorProgram(path: monitor, isShortLived: isShortLived)
    }

    /// A container by id. Throws "container does not exist".
    public func container(_ id: String) throws -> Container {
        try Self.check(id)
        let directory = "\(root)/\(id)"
        guard let bytes = try? Files.read("\(directory)/state.json") else {
            throw ExecutorError("container \"\(id)\" does not exist")
        }
        return Container(store: self, directory: directory, record: try ContainerRecord(parsing: bytes))
    }

    /// All containers; one that vanishes meanwhile is left out.
    public func containers() throws -> [Container] {
        try Files.names(in: root).compactMap { try? container($0) }
    }

    /// Whether a directory of the id is there, be it only half of a container.
    func directoryExists(_ id: String) -> Bool { Files.exists("\(root)/\(id)") }

    /// As runc: letters, digits and `_+-.`, and a name that is neither a path nor ours.
    static func check(_ id: String) throws {
        let allowed = id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-"),
                UInt8(ascii: "."):
                return true
            default: return false
            }
        }
        guard allowed, !id.isEmpty, !id.hasPrefix("."), id.utf8.count <= 255 else {
            throw ExecutorError("invalid container ID \"\(id)\"")
        }
    }
}

/// A container of a store.
public struct Container: Sendable {
    let store: ContainerStore
    let directory: String
    var record: ContainerRecord

    /// The name it was given.
    public var id: String { record.id }
    /// The directory it was made from.
    public var bundle: String { record.bundle }
    /// When it was made (RFC 3339).
    public var created: String { record.created }
    /// Of the first process; 0 when there is none any more.
    public var pid: Int32 { record.process.flatMap { $0.isAlive ? $0.pid : nil } ?? 0 }

    var startFIFO: String { "\(directory)/start" }
    var resultFIFO: String { "\(directory)/result" }

    func save() throws { try VolatileFile.replace("\(directory)/state.json", with: record.json.bytes) }

    var cgroups: any CgroupManager { CgroupPlace.find(record.cgroups) }

    /// The specification the container was made from, as it was then.
    func spec() throws -> Spec { try Spec(parsing: Files.read("\(directory)/config.json")) }

    /// What the kernel says it is now.
    public func status() -> State.Status {
        guard let process = record.process else { return Files.exists("\(directory)/creating") ? .creating : .stopped }
        guard process.isAlive else { return .stopped }
        if cgroups.isFrozen { return .paused }
        if Files.exists("\(directory)/creating") { return .creating }
        if record.runtime != nil { return startTime() == 0 ? .created : .running }
        return isWaiting ? .created : .running
    }

    /// Whether the first process holds the start FIFO open, as it does until `start`.
    private var isWaiting: Bool { (try? Descriptor.open(startFIFO, O_WRONLY | O_NONBLOCK)) != nil }

    /// The state as the specification has it.
    public func state(_ status: State.Status? = nil) -> State {
        let now = status ?? self.status()
        return State(
            version: record.version, id: id, status: now, pid: now == .stopped ? 0 : record.process?.pid ?? 0,
            bundle: bundle, annotations: record.annotations)
    }

    /// What `state` prints.
    public func describe() -> JSON {
        state().json([
            ("rootfs", .string(record.rootfs)), ("created", .string(created)), ("owner", .string("")),
        ])
    }
}
