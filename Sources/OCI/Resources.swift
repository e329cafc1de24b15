/// `linux.resources`, also what `update` takes. Nil means: as it is.
public struct Resources: Sendable {
    /// The specification's `devices`.
    public var devices: [DeviceRule] = []
    /// The specification's `memory`.
    public var memory = Memory()
    /// The specification's `cpu`.
    public var cpu = CPU()
    /// The specification's `pids`.
    public var pids: Int64?
    /// The specification's `blockIO`.
    public var blockIO = BlockIO()
    /// The specification's `hugepages`.
    public var hugepages: [(size: String, limit: UInt64)] = []
    /// The specification's `network`.
    public var network = Network()
    /// The specification's `rdma`.
    public var rdma: [(device: String, handles: UInt32?, objects: UInt32?)] = []
    /// The specification's `unified`.
    public var unified: [(key: String, value: String)] = []

    /// One of `devices`; nil numbers are wild cards.
    public struct DeviceRule: Sendable, Equatable {
        /// The specification's `allow`.
        public var allow: Bool
        /// "a", "b" or "c".
        public var type: String
        /// The specification's `major`.
        public var major: Int64?
        /// The specification's `minor`.
        public var minor: Int64?
        /// Of "rwm".
        public var access: String

        /// One rule.
        public init(allow: Bool, type: String, major: Int64?, minor: Int64?, access: String) {
            self.allow = allow
            self.type = type
            self.major = major
            self.minor = minor
            self.access = access
        }
    }

    /// Bytes; -1 is without limit.
    public struct Memory: Sendable {
        /// The specification's `limit`.
        public var limit: Int64?
        /// The specification's `reservation`.
        public var reservation: Int64?
        /// Memory and swap together.
        public var swap: Int64?
        /// The specification's `kernelTCP`.
        public var kernelTCP: Int64?
        /// The specification's `swappiness`.
        public var swappiness: UInt64?
        /// The specification's `disableOOMKiller`.
        public var disableOOMKiller: Bool?
    }

    /// The specification's `CPU`.
    public struct CPU: Sendable {
        /// The specification's `shares`.
        public var shares: UInt64?
        /// Microseconds.
        public var quota: Int64?
        /// The specification's `burst`.
        public var burst: UInt64?
        /// The specification's `period`.
        public var period: UInt64?
        /// The specification's `realtimeRuntime`.
        public var realtimeRuntime: Int64?
        /// The specification's `realtimePeriod`.
        public var realtimePeriod: UInt64?
        /// The specification's `cpus`.
        public var cpus: String?
        /// The specification's `mems`.
        public var mems: String?
        /// The specification's `idle`.
        public var idle: Int64?
    }

    /// The specification's `BlockIO`.
    public struct BlockIO: Sendable {
        /// The specification's `weight`.
        public var weight: UInt16?
        /// The specification's `leafWeight`.
        public var leafWeight: UInt16?
        /// The specification's `weightDevices`.
        public var weightDevices: [(device: String, weight: UInt16?, leafWeight: UInt16?)] = []
        /// v1 name of the throttle, device and rate.
        public var throttles: [(kind: Throttle, device: String, rate: UInt64)] = []

        /// The specification's `Throttle`.
        public enum Throttle: String, Sendable, CaseIterable {
            case readBps = "throttleReadBpsDevice"
            case writeBps = "throttleWriteBpsDevice"
            case readIOPS = "throttleReadIOPSDevice"
            case writeIOPS = "throttleWriteIOPSDevice"
        }
    }

    /// The specification's `Network`.
    public struct Network: Sendable {
        /// The specification's `classID`.
        public var classID: UInt32?
        /// The specification's `priorities`.
        public var priorities: [(name: String, priority: UInt32)] = []
    }

    /// With nothing set.
    public init() {}

    /// Reads and checks a resources document.
    public init(parsing bytes: [UInt8]) throws {
        try self.init(Field(try JSON(parsing: bytes)))
    }

    init(_ field: Field) throws {
        devices = try field["devices"].array(DeviceRule.init)
        memory = try Memory(field["memory"])
        cpu = try CPU(field["cpu"])
        pids = try field["pids"]["limit"].integer()
        blockIO = try BlockIO(field["blockIO"])
        hugepages = try field["hugepageLimits"].array {
            (try $0["pageSize"].required(), try $0["limit"].integer() ?? 0)
        }
        network.classID = try field["network"]["classID"].integer()
        network.priorities = try field["network"]["priorities"].array {
            (try $0["name"].required(), try $0["priority"].integer() ?? 0)
        }
        if let value = field["rdma"].value, case .object(let members) = value {
            rdma = try members.map { member in
                let limit = Field(member.value, path: "\(field.path).rdma.\(member.key)")
                return (member.key, try limit["hcaHandles"].integer(), try limit["hcaObjects"].integer())
            }
        }
        unified = try field["unified"].dictionary()
        for (key, _) in unified where key.contains("/") || key.isEmpty {
            throw field["unified"].error("\(key) is no file of a cgroup")
        }
    }
}

extension Resources.DeviceRule {
    init(_ field: Field) throws {
        allow = try field["allow"].bool()
        type = try field["type"].string() ?? "a"
        if type.isEmpty { type = "a" }
        guard ["a", "b", "c", "u"].contains(type) else { throw field["type"].error("must be a, b or c") }
        if type == "u" { type = "c" }
        func number(_ key: String) throws -> Int64? {
            guard let number = try field[key].integer(Int64.self), number != -1 else { return nil }
            guard 0...Int64(UInt32.max) ~= number else { throw field[key].error("is no device number") }
            return number
        }
        major = try number("major")
        minor = try number("minor")
        access = try field["access"].string() ?? "rwm"
        if access.isEmpty { access = "rwm" }
        guard access.allSatisfy({ "rwm".contains($0) }) else { throw field["access"].error("must be of r, w and m") }
    }
}

extension Resources.Memory {
    init(_ field: Field) throws {
        limit = try field["limit"].integer()
        reservation = try field["reservation"].integer()
        swap = try field["swap"].integer()
        kernelTCP = try field["kernelTCP"].integer()
        swappiness = try field["swappiness"].integer()
        if field["disableOOMKiller"].isPresent { disableOOMKiller = try field["disableOOMKiller"].bool() }
    }
}

extension Resources.CPU {
    init(_ field: Field) throws {
        shares = try field["shares"].integer()
        quota = try field["quota"].integer()
        burst = try field["burst"].integer()
        period = try field["period"].integer()
        realtimeRuntime = try field["realtimeRuntime"].integer()
        realtimePeriod = try field["realtimePeriod"].integer()
        cpus = try field["cpus"].string()
        mems = try field["mems"].string()
        idle = try field["idle"].integer()
    }
}

extension Resources.BlockIO {
    init(_ field: Field) throws {
        weight = try field["weight"].integer()
        leafWeight = try field["leafWeight"].integer()
        func device(_ field: Field) throws -> String {
            guard let major = try field["major"].integer(Int64.self), let minor = try field["minor"].integer(Int64.self)
            else { throw field.error("needs major and minor") }
            return "\(major):\(minor)"
        }
        weightDevices = try field["weightDevice"].array {
            (try device($0), try $0["weight"].integer(), try $0["leafWeight"].integer())
        }
        for kind in Throttle.allCases {
            throttles += try field[kind.rawValue].array { (kind, try device($0), try $0["rate"].integer() ?? 0) }
        }
    }
}
