/// What a device changes about a container: CDI `containerEdits`.
public struct CDIEdits: Sendable, Equatable {
    /// A device file.
    public struct DeviceNode: Sendable, Equatable {
        /// Path in the container.
        public var path: String
        /// Path on the host.
        public var hostPath: String
        /// `c`, `u`, `b` or `p`.
        public var type: String
        /// Major number.
        public var major: Int64
        /// Minor number.
        public var minor: Int64
        /// Permission bits of the file; nil to take the host's.
        public var fileMode: UInt32?
        /// Device cgroup access, of `r`, `w`, `m`.
        public var permissions: String
        /// Owner; nil to take the container's.
        public var uid: UInt32?
        /// Group; nil to take the container's.
        public var gid: UInt32?
    }

    /// A bind or other mount.
    public struct Mount: Sendable, Equatable {
        /// Source path.
        public var hostPath: String
        /// Destination.
        public var containerPath: String
        /// Mount options, such as `ro`.
        public var options: [String]
        /// File system type; empty means a bind mount.
        public var type: String
    }

    /// An OCI hook.
    public struct Hook: Sendable, Equatable {
        /// `createContainer` and so on.
        public var name: String
        /// Program.
        public var path: String
        /// Arguments with the program's name first.
        public var args: [String]
        /// Environment.
        public var env: [String]
        /// Seconds.
        public var timeout: Int?
    }

    /// `NAME=value` entries.
    public var env: [String] = []
    /// Device files, in order of injection.
    public var deviceNodes: [DeviceNode] = []
    /// Mounts, in order of injection.
    public var mounts: [Mount] = []
    /// Hooks; Docker has no way to run them.
    public var hooks: [Hook] = []
    /// Supplementary groups for the process.
    public var additionalGids: [UInt32] = []

    /// No edits.
    public init() {}
}
