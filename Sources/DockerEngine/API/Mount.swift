extension Docker {
    /// A mount that a container asks for.
    public struct Mount: Codable, Sendable, Hashable {
        /// `bind`, `volume`, `tmpfs`, `image` (API 1.48) or `npipe`.
        public var `Type`: String?
        /// A path, a volume's name or an image's reference.
        public var Source: String?
        /// The path in the container.
        public var Target: String?
        /// Read-only; from API 1.44 on with everything below it, see ``BindOptions/ReadOnlyNonRecursive``.
        public var ReadOnly: Bool?
        /// `default`, `consistent`, `cached` or `delegated`.
        public var Consistency: String?
        /// For `bind`.
        public var BindOptions: BindOptions?
        /// For `volume`.
        public var VolumeOptions: VolumeOptions?
        /// For `tmpfs`.
        public var TmpfsOptions: TmpfsOptions?
        /// For `image`.
        public var ImageOptions: ImageOptions?

        /// A mount of a type without options.
        public init(Type: String, Source: String? = nil, Target: String, ReadOnly: Bool? = nil) {
            self.Type = Type
            self.Source = Source
            self.Target = Target
            self.ReadOnly = ReadOnly
        }
    }

    /// Options of a bind mount.
    public struct BindOptions: Codable, Sendable, Hashable {
        /// `private`, `rprivate`, `shared`, `rshared`, `slave` or `rslave`.
        public var Propagation: String?
        /// Bind only the mount itself, not those below it.
        public var NonRecursive: Bool?
        /// Make the source where it is missing; dropped below API 1.42.
        public var CreateMountpoint: Bool?
        /// Read-only leaves out the mounts below (API 1.44).
        public var ReadOnlyNonRecursive: Bool?
        /// Fail where read-only cannot include the mounts below (API 1.44).
        public var ReadOnlyForceRecursive: Bool?

        /// Nothing set.
        public init() {}
    }

    /// Options of a volume mount.
    public struct VolumeOptions: Codable, Sendable, Hashable {
        /// Do not copy the image's files into a new volume.
        public var NoCopy: Bool?
        /// The new volume's labels.
        public var Labels: [String: String]?
        /// A path in the volume (API 1.45).
        public var Subpath: String?

        /// Nothing set.
        public init() {}
    }

    /// Options of a tmpfs mount.
    public struct TmpfsOptions: Codable, Sendable, Hashable {
        /// Bytes.
        public var SizeBytes: Int64?
        /// Permission bits.
        public var Mode: Int?

        /// Nothing set.
        public init() {}
    }

    /// Options of an image mount.
    public struct ImageOptions: Codable, Sendable, Hashable {
        /// A path in the image.
        public var Subpath: String?

        /// Nothing set.
        public init() {}
    }

    /// A mount that a container has.
    public struct MountPoint: Codable, Sendable, Hashable {
        /// As in ``Mount``.
        @Defaulted public var `Type`: String
        /// The volume's name.
        @Defaulted public var Name: String
        /// The host's path.
        @Defaulted public var Source: String
        /// The container's path.
        @Defaulted public var Destination: String
        /// The volume's driver.
        @Defaulted public var Driver: String
        /// Mount options as text.
        @Defaulted public var Mode: String
        /// Writable.
        @Defaulted public var RW: Bool
        /// As in ``BindOptions``.
        @Defaulted public var Propagation: String

        /// Nothing set.
        public init() {}
    }
}
