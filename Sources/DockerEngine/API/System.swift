extension Docker {
    /// `GET /version`.
    public struct SystemVersion: Codable, Sendable, Hashable {
        /// The engine's version.
        @Defaulted public var Version: String
        /// The newest API it speaks.
        @Defaulted public var ApiVersion: String
        /// The oldest API it speaks.
        @Defaulted public var MinAPIVersion: String
        /// The commit it was built from.
        @Defaulted public var GitCommit: String
        /// The compiler.
        @Defaulted public var GoVersion: String
        /// The operating system.
        @Defaulted public var Os: String
        /// The architecture.
        @Defaulted public var Arch: String
        /// The kernel.
        @Defaulted public var KernelVersion: String
        /// The programs it is made of.
        @Defaulted public var Components: [Component]

        /// Nothing set.
        public init() {}
    }

    /// A program that Docker is made of: `Engine`, `containerd`, `runc`, …
    public struct Component: Codable, Sendable, Hashable {
        /// Its name.
        @Defaulted public var Name: String
        /// Its version.
        @Defaulted public var Version: String

        /// Nothing set.
        public init() {}
    }

    /// `GET /info`.
    public struct SystemInfo: Codable, Sendable, Hashable {
        /// The daemon's id.
        @Defaulted public var ID: String
        /// Containers in all.
        @Defaulted public var Containers: Int
        /// Images in all.
        @Defaulted public var Images: Int
        /// The storage driver.
        @Defaulted public var Driver: String
        /// What the storage driver says of itself, pairs.
        @Defaulted public var DriverStatus: [[String]]
        /// Docker's directory.
        @Defaulted public var DockerRootDir: String
        /// The default log driver.
        @Defaulted public var LoggingDriver: String
        /// `cgroupfs`, `systemd` or `none`.
        @Defaulted public var CgroupDriver: String
        /// `1` or `2`.
        @Defaulted public var CgroupVersion: String
        /// The kernel.
        @Defaulted public var KernelVersion: String
        /// The distribution.
        @Defaulted public var OperatingSystem: String
        /// The operating system's kind.
        @Defaulted public var OSType: String
        /// The architecture, as uname(1) says it.
        @Defaulted public var Architecture: String
        /// CPUs.
        @Defaulted public var NCPU: Int
        /// Bytes.
        @Defaulted public var MemTotal: Int64
        /// The host's name.
        @Defaulted public var Name: String
        /// The engine's version.
        @Defaulted public var ServerVersion: String
        /// OCI runtimes by name.
        @Defaulted public var Runtimes: [String: Runtime]
        /// The runtime for containers that name none.
        @Defaulted public var DefaultRuntime: String
        /// Containers outlive the daemon.
        @Defaulted public var LiveRestoreEnabled: Bool
        /// `name=seccomp,profile=default`, `name=apparmor`, `name=selinux`, `name=userns`, …
        @Defaulted public var SecurityOptions: [String]
        /// Where CDI specifications are read from (API 1.44).
        @Defaulted public var CDISpecDirs: [String]
        /// CDI devices and the like (API 1.50).
        @Defaulted public var DiscoveredDevices: [DeviceInfo]
        /// containerd's address and namespaces (API 1.46).
        public var Containerd: ContainerdInfo?
        /// The init program.
        @Defaulted public var InitBinary: String
        /// Swap limits work; nil where Docker does not say.
        public var SwapLimit: Bool?
        /// Memory limits work; nil where Docker does not say.
        public var MemoryLimit: Bool?
        /// Pids limits work; nil where Docker does not say.
        public var PidsLimit: Bool?
        /// What Docker warns of.
        @Defaulted public var Warnings: [String]
        /// An HTTP proxy the daemon pulls through.
        @Defaulted public var HttpProxy: String
        /// An HTTPS proxy the daemon pulls through.
        @Defaulted public var HttpsProxy: String

        /// Nothing set.
        public init() {}
    }

    /// An OCI runtime.
    public struct Runtime: Codable, Sendable, Hashable {
        /// The program.
        public var path: String?
        /// A containerd shim's type.
        public var runtimeType: String?
        /// Its arguments.
        public var runtimeArgs: [String]?
        /// What it says of itself (API 1.44); `org.opencontainers.runtime-spec.features` holds the OCI features JSON.
        public var status: [String: String]?

        /// Nothing set.
        public init() {}
    }

    /// A device that a driver found.
    public struct DeviceInfo: Codable, Sendable, Hashable {
        /// The driver, such as `cdi`.
        @Defaulted public var Source: String
        /// The device's name.
        @Defaulted public var ID: String
    }

    /// The containerd that Docker uses.
    public struct ContainerdInfo: Codable, Sendable, Hashable {
        /// Its socket.
        @Defaulted public var Address: String
    }

    /// An element of `GET /events`.
    public struct EventMessage: Codable, Sendable, Hashable {
        /// `container`, `image`, `network`, `volume`, `daemon`, …
        @Defaulted public var `Type`: String
        /// `create`, `start`, `die`, `destroy`, `oom`, `exec_start: …`, …
        @Defaulted public var Action: String
        /// What it happened to.
        @Defaulted public var Actor: EventActor
        /// `local` or `swarm`.
        @Defaulted public var scope: String
        /// Seconds since the epoch.
        @Defaulted public var time: Int64
        /// Nanoseconds since the epoch.
        @Defaulted public var timeNano: Int64

        /// Nothing set.
        public init() {}
    }

    /// What an event happened to.
    public struct EventActor: Codable, Sendable, Hashable, Emptiable {
        /// The object's id; for images often a reference.
        @Defaulted public var ID: String
        /// Labels, and what belongs to the action: `name`, `image`, `exitCode`, `signal`.
        @Defaulted public var Attributes: [String: String]

        /// Nothing set.
        public init() {}
    }

    /// A network.
    public struct Network: Codable, Sendable, Hashable {
        /// The name.
        @Defaulted public var Name: String
        /// The id.
        @Defaulted public var Id: String
        /// The driver.
        @Defaulted public var Driver: String
        /// `local` or `swarm`.
        @Defaulted public var Scope: String
        /// Only for containers.
        @Defaulted public var Internal: Bool
        /// Labels.
        @Defaulted public var Labels: [String: String]
        /// The driver's options.
        @Defaulted public var Options: [String: String]
    }
}
