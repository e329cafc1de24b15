extension Docker {
    /// `GET /containers/{id}/json`.
    public struct ContainerInspectResponse: Codable, Sendable, Hashable {
        /// The full id.
        @Defaulted public var Id: String
        /// RFC 3339; see `RFC3339`.
        @Defaulted public var Created: String
        /// With its leading `/`.
        @Defaulted public var Name: String
        /// The image's id.
        @Defaulted public var Image: String
        /// The program run.
        @Defaulted public var Path: String
        /// Its arguments.
        @Defaulted public var Args: [String]
        /// What it is doing.
        @Defaulted public var State: ContainerState
        /// Docker's copy of resolv.conf.
        @Defaulted public var ResolvConfPath: String
        /// Docker's copy of /etc/hostname.
        @Defaulted public var HostnamePath: String
        /// Docker's copy of /etc/hosts.
        @Defaulted public var HostsPath: String
        /// The json-file log; empty for other drivers and before the first start.
        @Defaulted public var LogPath: String
        /// How often Docker restarted it by itself.
        @Defaulted public var RestartCount: Int
        /// The storage driver.
        @Defaulted public var Driver: String
        /// The operating system.
        @Defaulted public var Platform: String
        /// SELinux.
        @Defaulted public var MountLabel: String
        /// SELinux.
        @Defaulted public var ProcessLabel: String
        /// AppArmor.
        @Defaulted public var AppArmorProfile: String
        /// Execs that have not been forgotten.
        @Defaulted public var ExecIDs: [String]
        /// Host-dependent configuration.
        @Defaulted public var HostConfig: HostConfig
        /// Where the storage driver keeps it.
        @Defaulted public var GraphDriver: DriverData
        /// Bytes of the writable layer; only when the size was asked for.
        public var SizeRw: Int64?
        /// Bytes of all layers; only when the size was asked for.
        public var SizeRootFs: Int64?
        /// Mounts.
        @Defaulted public var Mounts: [MountPoint]
        /// Host-independent configuration.
        @Defaulted public var Config: ContainerConfig
        /// Networks.
        @Defaulted public var NetworkSettings: NetworkSettings

        /// Nothing set.
        public init() {}
    }

    /// What a container is doing.
    public struct ContainerState: Codable, Sendable, Hashable, Emptiable {
        /// `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`.
        @Defaulted public var Status: String
        /// Running, or paused.
        @Defaulted public var Running: Bool
        /// Frozen.
        @Defaulted public var Paused: Bool
        /// Being restarted by Docker.
        @Defaulted public var Restarting: Bool
        /// The OOM killer met one of its processes.
        @Defaulted public var OOMKilled: Bool
        /// Removal failed half-way.
        @Defaulted public var Dead: Bool
        /// The first process in the host's pid namespace; 0 when not running.
        @Defaulted public var Pid: Int
        /// The exit code of the last run.
        @Defaulted public var ExitCode: Int
        /// Why it could not start.
        @Defaulted public var Error: String
        /// RFC 3339; `0001-01-01T00:00:00Z` when never.
        @Defaulted public var StartedAt: String
        /// RFC 3339; `0001-01-01T00:00:00Z` when never.
        @Defaulted public var FinishedAt: String

        /// Nothing set.
        public init() {}
    }

    /// A storage driver's own data.
    public struct DriverData: Codable, Sendable, Hashable, Emptiable {
        /// The driver's name.
        @Defaulted public var Name: String
        /// For overlay2: `LowerDir`, `UpperDir`, `MergedDir`, `WorkDir`.
        @Defaulted public var Data: [String: String]

        /// Nothing set.
        public init() {}
    }

    /// A container's networks.
    public struct NetworkSettings: Codable, Sendable, Hashable, Emptiable {
        /// The sandbox's id.
        @Defaulted public var SandboxID: String
        /// A file that holds the network namespace.
        @Defaulted public var SandboxKey: String
        /// The default bridge's address; gone from API 1.52, see `Networks`.
        @Defaulted public var IPAddress: String
        /// Published ports.
        @Defaulted public var Ports: [String: [PortBinding]?]
        /// By network name.
        @Defaulted public var Networks: [String: EndpointSettings]

        /// Nothing set.
        public init() {}
    }

    /// A container's place in one network.
    public struct EndpointSettings: Codable, Sendable, Hashable {
        /// The network's id.
        public var NetworkID: String?
        /// The endpoint's id.
        public var EndpointID: String?
        /// Names in the network.
        public var Aliases: [String]?
        /// The IPv4 gateway.
        public var Gateway: String?
        /// The IPv4 address.
        public var IPAddress: String?
        /// Its prefix length.
        public var IPPrefixLen: Int?
        /// The IPv6 address.
        public var GlobalIPv6Address: String?
        /// The MAC address.
        public var MacAddress: String?

        /// Nothing set.
        public init() {}
    }
}

extension Docker.HostConfig: Emptiable {}
extension Docker.ContainerConfig: Emptiable {}
