/// The runtime specification's config.json (config.md), as far as Linux containers go.
public struct Spec: Sendable {
    /// The specification's `version`.
    public var version: String
    /// The specification's `hostname`.
    public var hostname: String?
    /// The specification's `domainname`.
    public var domainname: String?
    /// The specification's `root`.
    public var root: Root
    /// The specification's `mounts`.
    public var mounts: [Mount]
    /// Nil for a container that is never started.
    public var process: Process?
    /// The specification's `hooks`.
    public var hooks: Hooks
    /// The specification's `annotations`.
    public var annotations: [(key: String, value: String)]
    /// The specification's `linux`.
    public var linux: LinuxSpec

    /// `root`.
    public struct Root: Sendable {
        /// Absolute, or relative to the bundle.
        public var path: String
        /// The specification's `readonly`.
        public var readonly: Bool
    }

    /// One of `mounts`.
    public struct Mount: Sendable {
        /// The specification's `destination`.
        public var destination: String
        /// The specification's `type`.
        public var type: String?
        /// The specification's `source`.
        public var source: String?
        /// The specification's `options`.
        public var options: [String]
        /// The specification's `uidMappings`.
        public var uidMappings: [IDMapping]
        /// The specification's `gidMappings`.
        public var gidMappings: [IDMapping]
        /// Its path in the document, for errors.
        public var path: String
    }

    /// Reads and checks a config.json.
    public init(parsing bytes: [UInt8]) throws {
        let field = Field(try JSON(parsing: bytes))
        guard case .object = field.value else { throw SpecError("", "config.json must be an object") }
        try self.init(field)
    }

    init(_ field: Field) throws {
        version = try field["ociVersion"].required()
        guard version.hasPrefix("1.") else { throw field["ociVersion"].error("\(version) is not supported") }
        hostname = try field["hostname"].string()
        domainname = try field["domainname"].string()
        let root = field["root"]
        self.root = Root(path: try root["path"].required(), readonly: try root["readonly"].bool())
        guard !self.root.path.isEmpty else { throw root["path"].error("is empty") }
        mounts = try field["mounts"].array(Mount.init)
        process = try field["process"].object(Process.init)
        hooks = try field["hooks"].object(Hooks.init) ?? Hooks()
        annotations = try field["annotations"].dictionary()
        linux = try field["linux"].object(LinuxSpec.init) ?? LinuxSpec()
        for platform in ["solaris", "windows", "vm", "zos", "freebsd"] { try field[platform].refuse() }
    }
}

extension Spec.Mount {
    init(_ field: Field) throws {
        path = field.path
        destination = try field["destination"].required()
        guard destination.hasPrefix("/") || !destination.isEmpty else {
            throw field["destination"].error("is empty")
        }
        type = try field["type"].string()
        source = try field["source"].string()
        options = try field["options"].strings()
        uidMappings = try field["uidMappings"].array(IDMapping.init)
        gidMappings = try field["gidMappings"].array(IDMapping.init)
        guard uidMappings.isEmpty == gidMappings.isEmpty else {
            throw field.error("needs both uidMappings and gidMappings, or neither")
        }
    }
}

/// A range of ids of a user namespace.
public struct IDMapping: Sendable, Equatable {
    /// The specification's `containerID`.
    public var containerID: UInt32
    /// The specification's `hostID`.
    public var hostID: UInt32
    /// The specification's `size`.
    public var size: UInt32

    init(_ field: Field) throws {
        guard let container = try field["containerID"].integer(UInt32.self),
            let host = try field["hostID"].integer(UInt32.self), let size = try field["size"].integer(UInt32.self)
        else { throw field.error("needs containerID, hostID and size") }
        (containerID, hostID, self.size) = (container, host, size)
        guard size > 0 else { throw field["size"].error("must be positive") }
    }
}

/// `hooks`, in the order they are listed.
public struct Hooks: Sendable {
    /// The specification's `prestart`.
    public var prestart: [Hook] = []
    /// The specification's `createRuntime`.
    public var createRuntime: [Hook] = []
    /// The specification's `createContainer`.
    public var createContainer: [Hook] = []
    /// The specification's `startContainer`.
    public var startContainer: [Hook] = []
    /// The specification's `poststart`.
    public var poststart: [Hook] = []
    /// The specification's `poststop`.
    public var poststop: [Hook] = []

    init() {}

    init(_ field: Field) throws {
        prestart = try field["prestart"].array(Hook.init)
        createRuntime = try field["createRuntime"].array(Hook.init)
        createContainer = try field["createContainer"].array(Hook.init)
        startContainer = try field["startContainer"].array(Hook.init)
        poststart = try field["poststart"].array(Hook.init)
        poststop = try field["poststop"].array(Hook.init)
    }
}

/// One program run at a point of a container's life, the state on its stdin.
public struct Hook: Sendable {
    /// The specification's `path`.
    public var path: String
    /// The specification's `arguments`.
    public var arguments: [String]
    /// The specification's `environment`.
    public var environment: [String]
    /// In seconds; nil waits for ever.
    public var timeout: Int32?

    init(_ field: Field) throws {
        path = try field["path"].required()
        guard path.hasPrefix("/") else { throw field["path"].error("must be absolute") }
        arguments = try field["args"].strings()
        environment = try field["env"].strings()
        timeout = try field["timeout"].integer()
        if let timeout, timeout <= 0 { throw field["timeout"].error("must be positive") }
    }
}
