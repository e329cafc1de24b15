extension Docker {
    /// An element of `GET /images/json`.
    public struct ImageSummary: Codable, Sendable, Hashable {
        /// `sha256:…`.
        @Defaulted public var Id: String
        /// The parent's id.
        @Defaulted public var ParentId: String
        /// `name:tag`; below API 1.43 `<none>:<none>` for none.
        @Defaulted public var RepoTags: [String]
        /// `name@digest`; below API 1.43 `<none>@<none>` for none.
        @Defaulted public var RepoDigests: [String]
        /// Seconds since the epoch.
        @Defaulted public var Created: Int64
        /// Bytes.
        @Defaulted public var Size: Int64
        /// Bytes shared with other images; -1 when not asked for.
        public var SharedSize: Int64?
        /// Labels.
        @Defaulted public var Labels: [String: String]
        /// Containers that use it; -1 when unknown.
        public var Containers: Int64?

        /// Nothing set.
        public init() {}
    }

    /// `GET /images/{name}/json`.
    public struct ImageInspect: Codable, Sendable, Hashable {
        /// `sha256:…`.
        @Defaulted public var Id: String
        /// `name:tag`.
        @Defaulted public var RepoTags: [String]
        /// `name@digest`.
        @Defaulted public var RepoDigests: [String]
        /// The parent's id.
        @Defaulted public var Parent: String
        /// A remark.
        @Defaulted public var Comment: String
        /// RFC 3339; see `RFC3339`.
        @Defaulted public var Created: String
        /// Who made it.
        @Defaulted public var Author: String
        /// What containers inherit; Docker may send null.
        @Defaulted public var Config: ContainerConfig
        /// The architecture.
        @Defaulted public var Architecture: String
        /// The architecture's variant.
        @Defaulted public var Variant: String
        /// The operating system.
        @Defaulted public var Os: String
        /// Bytes.
        @Defaulted public var Size: Int64
        /// Where the storage driver keeps it.
        @Defaulted public var GraphDriver: DriverData
        /// Layers.
        @Defaulted public var RootFS: ImageRootFS

        /// Nothing set.
        public init() {}
    }

    /// An image's layers.
    public struct ImageRootFS: Codable, Sendable, Hashable, Emptiable {
        /// `layers`.
        @Defaulted public var `Type`: String
        /// Digests of the uncompressed layers, lowest first.
        @Defaulted public var Layers: [String]

        /// Nothing set.
        public init() {}
    }

    /// An element of `GET /images/{name}/history`.
    public struct HistoryResponseItem: Codable, Sendable, Hashable {
        /// The id, or `<missing>`.
        @Defaulted public var Id: String
        /// Seconds since the epoch.
        @Defaulted public var Created: Int64
        /// The command that made it.
        @Defaulted public var CreatedBy: String
        /// Tags.
        @Defaulted public var Tags: [String]
        /// Bytes.
        @Defaulted public var Size: Int64
        /// A remark.
        @Defaulted public var Comment: String
    }

    /// An element of the answer to `DELETE /images/{name}`.
    public struct ImageDeleteResponseItem: Codable, Sendable, Hashable {
        /// A reference that was removed.
        public var Untagged: String?
        /// An image or layer that was removed.
        public var Deleted: String?
    }

    /// A line of progress of a pull, a load or an import.
    public struct JSONMessage: Codable, Sendable, Hashable {
        /// The layer's short id.
        public var id: String?
        /// What happens, in Docker's words.
        public var status: String?
        /// How far it is.
        public var progressDetail: ProgressDetail?
        /// Text for a terminal.
        public var stream: String?
        /// The error's text; such a message is thrown, not delivered.
        public var error: String?
        /// The error; such a message is thrown, not delivered.
        public var errorDetail: ErrorDetail?
    }

    /// How far a layer is.
    public struct ProgressDetail: Codable, Sendable, Hashable {
        /// Bytes done.
        public var current: Int64?
        /// Bytes in all.
        public var total: Int64?
    }

    /// An error that came after the answer had begun.
    public struct ErrorDetail: Codable, Sendable, Hashable {
        /// A code, rarely sent.
        public var code: Int?
        /// Docker's words.
        public var message: String?
    }

    /// `GET /distribution/{name}/json`: what the registry says.
    public struct DistributionInspect: Codable, Sendable, Hashable {
        /// The manifest.
        @Defaulted public var Descriptor: OCIDescriptor
        /// Platforms it is there for.
        @Defaulted public var Platforms: [OCIPlatform]
    }

    /// An OCI descriptor, keys as the OCI writes them.
    public struct OCIDescriptor: Codable, Sendable, Hashable, Emptiable {
        /// The media type.
        @Defaulted public var mediaType: String
        /// `sha256:…`.
        @Defaulted public var digest: String
        /// Bytes.
        @Defaulted public var size: Int64

        /// Nothing set.
        public init() {}
    }

    /// An OCI platform, keys as the OCI writes them.
    public struct OCIPlatform: Codable, Sendable, Hashable {
        /// The architecture.
        @Defaulted public var architecture: String
        /// The operating system.
        @Defaulted public var os: String
        /// The architecture's variant.
        @Defaulted public var variant: String
    }

    /// Credentials for a registry, the `X-Registry-Auth` header.
    public struct AuthConfig: Codable, Sendable, Hashable {
        /// The user.
        public var username: String?
        /// The password.
        public var password: String?
        /// The registry.
        public var serveraddress: String?
        /// A refresh token.
        public var identitytoken: String?
        /// A bearer token.
        public var registrytoken: String?

        /// Nothing set.
        public init() {}
    }
}
