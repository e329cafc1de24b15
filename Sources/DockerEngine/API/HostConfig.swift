extension Docker {
    /// What of a container depends on the host.
    ///
    /// Nil fields are not sent. Where the API tells nil from empty, as for `MaskedPaths` and `ReadonlyPaths` (nil:
    /// Docker's defaults, `[]`: none), so does this type.
    public struct HostConfig: Codable, Sendable, Hashable {
        // Namespaces and the network.

        /// `none`, `host`, `bridge`, `container:<id>` or a network's name.
        public var NetworkMode: String?
        /// `none`, `private`, `shareable`, `host` or `container:<id>`.
        public var IpcMode: String?
        /// Empty (private), `host` or `container:<id>`.
        public var PidMode: String?
        /// Empty (private) or `host`.
        public var UTSMode: String?
        /// Empty (the daemon's mapping) or `host`.
        public var UsernsMode: String?
        /// `private` or `host`.
        public var CgroupnsMode: String?
        /// The cgroup that becomes the container's parent.
        public var CgroupParent: String?
        /// A cgroup to join, `container:<id>`.
        public var Cgroup: String?
        /// By `port/protocol`.
        public var PortBindings: [String: [PortBinding]?]?
        /// Publish every exposed port.
        public var PublishAllPorts: Bool?
        /// Name servers.
        public var Dns: [String]?
        /// Search domains.
        public var DnsSearch: [String]?
        /// resolv.conf options.
        public var DnsOptions: [String]?
        /// `host:address` lines for /etc/hosts.
        public var ExtraHosts: [String]?

        // Files.

        /// `source:target[:options]`.
        public var Binds: [String]?
        /// Mounts with all their options.
        public var Mounts: [Mount]?
        /// tmpfs mounts: target to mount options.
        public var Tmpfs: [String: String]?
        /// Containers whose volumes are mounted too.
        public var VolumesFrom: [String]?
        /// The default volume driver.
        public var VolumeDriver: String?
        /// The root filesystem is read-only.
        public var ReadonlyRootfs: Bool?
        /// Bytes of /dev/shm.
        public var ShmSize: Int64?
        /// Options of the storage driver.
        public var StorageOpt: [String: String]?
        /// Paths hidden from the container; nil: Docker's defaults, empty: none.
        public var MaskedPaths: [String]?
        /// Paths that are read-only in the container; nil: Docker's defaults, empty: none.
        public var ReadonlyPaths: [String]?

        // Life cycle.

        /// Removes the container when it exits.
        public var AutoRemove: Bool?
        /// When Docker restarts it by itself.
        public var RestartPolicy: RestartPolicy?
        /// The OCI runtime's name; nil: the daemon's default.
        public var Runtime: String?
        /// The log driver.
        public var LogConfig: LogConfig?
        /// Runs an init as the first process.
        public var Init: Bool?
        /// Annotations for the OCI runtime; dropped below API 1.43.
        public var Annotations: [String: String]?

        // Privileges.

        /// Capabilities to add; `ALL` for all.
        public var CapAdd: [String]?
        /// Capabilities to drop; `ALL` for all.
        public var CapDrop: [String]?
        /// Everything allowed.
        public var Privileged: Bool?
        /// `no-new-privileges`, `seccomp=…`, `apparmor=…`, `label=…`.
        public var SecurityOpt: [String]?
        /// Supplementary groups.
        public var GroupAdd: [String]?
        /// Sysctls of the container's namespaces.
        public var Sysctls: [String: String]?

        // Resources.

        /// -1000 to 1000.
        public var OomScoreAdj: Int?
        /// No OOM killer for the container.
        public var OomKillDisable: Bool?
        /// Bytes; 0: no limit.
        public var Memory: Int64?
        /// Bytes of memory and swap together; -1: unlimited swap.
        public var MemorySwap: Int64?
        /// Bytes, soft limit.
        public var MemoryReservation: Int64?
        /// 0 to 100; -1: the kernel's default.
        public var MemorySwappiness: Int64?
        /// Relative weight.
        public var CpuShares: Int64?
        /// Microseconds.
        public var CpuPeriod: Int64?
        /// Microseconds per period.
        public var CpuQuota: Int64?
        /// Billionths of a CPU.
        public var NanoCpus: Int64?
        /// CPUs, such as `0-3,7`.
        public var CpusetCpus: String?
        /// Memory nodes.
        public var CpusetMems: String?
        /// 10 to 1000.
        public var BlkioWeight: Int?
        /// Processes; 0 or -1: no limit.
        public var PidsLimit: Int64?
        /// Resource limits of the process.
        public var Ulimits: [Ulimit]?
        /// Host devices.
        public var Devices: [DeviceMapping]?
        /// Devices by driver, CDI among them.
        public var DeviceRequests: [DeviceRequest]?
        /// cgroup device rules, such as `c 1:3 rwm`.
        public var DeviceCgroupRules: [String]?

        /// Nothing set.
        public init() {}
    }

    /// A port on the host.
    public struct PortBinding: Codable, Sendable, Hashable {
        /// The host's address; empty: all.
        public var HostIp: String?
        /// The host's port; empty: any.
        public var HostPort: String?

        /// A binding to an address and a port.
        public init(HostIp: String? = nil, HostPort: String? = nil) {
            self.HostIp = HostIp
            self.HostPort = HostPort
        }
    }

    /// When Docker restarts a container by itself.
    public struct RestartPolicy: Codable, Sendable, Hashable {
        /// `no`, `always`, `unless-stopped` or `on-failure`.
        public var Name: String?
        /// Tries for `on-failure`.
        public var MaximumRetryCount: Int?

        /// A policy.
        public init(Name: String? = nil, MaximumRetryCount: Int? = nil) {
            self.Name = Name
            self.MaximumRetryCount = MaximumRetryCount
        }
    }

    /// A log driver and its options.
    public struct LogConfig: Codable, Sendable, Hashable {
        /// The driver's name; nil or empty: the daemon's default.
        public var `Type`: String?
        /// The driver's options.
        public var Config: [String: String]?

        /// A driver with options.
        public init(Type: String? = nil, Config: [String: String]? = nil) {
            self.Type = Type
            self.Config = Config
        }
    }

    /// A resource limit of a process.
    public struct Ulimit: Codable, Sendable, Hashable {
        /// The limit's name without `RLIMIT_`, lower case.
        public var Name: String?
        /// The soft limit; -1: unlimited.
        public var Soft: Int64?
        /// The hard limit; -1: unlimited.
        public var Hard: Int64?

        /// A limit.
        public init(Name: String, Soft: Int64, Hard: Int64) {
            self.Name = Name
            self.Soft = Soft
            self.Hard = Hard
        }
    }

    /// A device of the host inside the container.
    public struct DeviceMapping: Codable, Sendable, Hashable {
        /// The host's path.
        public var PathOnHost: String?
        /// The container's path.
        public var PathInContainer: String?
        /// Some of `rwm`.
        public var CgroupPermissions: String?

        /// A mapping.
        public init(PathOnHost: String, PathInContainer: String, CgroupPermissions: String) {
            self.PathOnHost = PathOnHost
            self.PathInContainer = PathInContainer
            self.CgroupPermissions = CgroupPermissions
        }
    }

    /// Devices asked of a driver; driver `cdi` takes CDI names.
    public struct DeviceRequest: Codable, Sendable, Hashable {
        /// The driver's name.
        public var Driver: String?
        /// How many; -1: all.
        public var Count: Int?
        /// The devices' ids.
        public var DeviceIDs: [String]?
        /// An or-list of and-lists of capabilities.
        public var Capabilities: [[String]]?
        /// The driver's options.
        public var Options: [String: String]?

        /// Devices of one driver by id.
        public init(Driver: String? = nil, DeviceIDs: [String]? = nil) {
            self.Driver = Driver
            self.DeviceIDs = DeviceIDs
        }
    }
}
