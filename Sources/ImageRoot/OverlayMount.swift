internal import CLinux
internal import Glibc
internal import Linux

/// Overlay mounts: read-only ones of layers alone, and such whose upper directory takes what is written.
///
/// Layers are named by descriptors (`/proc/self/fd/N`): the kernel takes at most 256 bytes a name and 4096
/// in all, which a few dozen of Docker's paths exceed, and a colon in a path would part it.
enum OverlayMount {
    /// How a mount is made.
    enum Method {
        /// fsopen(2) with one `lowerdir+` a layer: Linux 6.8 and later.
        case layerByLayer
        /// mount(2) on a thread with a mount namespace or a working directory of its own.
        case onThread
    }

    /// The root directory of the layers' union, or of the only layer; the topmost layer comes first.
    static func open(layers: [String], method: Method? = nil) throws -> Descriptor {
        let directories = try LayerDirectories(layers)
        return try reporting(layers) {
            guard layers.count > 1 else {
                return try Descriptor.open(layers[0], pathOnly | O_DIRECTORY)
            }
            switch try method ?? best(directories) {
            case .layerByLayer: return try detached(directories)
            case .onThread: return try onPrivateThread(layers)
            }
        }
    }

    /// Mounts the layers' union, or the only layer, at a directory for all to see; read-only without `upper`.
    static func attach(
        layers: [String], upper: ContainerRoot.Upper? = nil, at target: String, method: Method? = nil
    ) throws {
        let directories = try LayerDirectories(layers, upper: upper)
        try reporting(layers) {
            guard layers.count > 1 || upper != nil else { return try bind(layers[0], at: target) }
            switch try method ?? best(directories) {
            case .layerByLayer:
                let mount = try detached(directories)
                let place = try Descriptor.open(target, pathOnly | O_DIRECTORY | O_NOFOLLOW)
                let (number, onto) = (mount.raw, place.raw)
                try system("move_mount", target) { fender_attach_mount(number, onto) }
            case .onThread:
                try OwnThread.run {
                    try system("unshare") { fender_unshare_directory() }
                    try mountHere(directories, at: target)
                }
            }
        }
    }

    static func reporting<Result: ~Copyable>(
        _ layers: [String], _ body: () throws -> Result
    ) throws -> Result {
        do {
            return try body()
        } catch let error as SystemError {
            throw ImageRootError(.failed, "mount image of \(layers.count) layers: \(error)")
        }
    }

    /// `lowerdir+` where the kernel knows it.
    static func best(_ directories: LayerDirectories) throws -> Method {
        let context = fender_fsopen("overlay")
        guard context >= 0 else { return .onThread }
        let held = Descriptor(owning: context)
        let number = held.raw
        let name = directories.names[0]
        func takes(_ key: String) -> Bool {
            fender_fsconfig(number, CUnsignedInt(FENDER_FSCONFIG_SET_STRING), key, name) == 0
        }
        // Before Linux 6.5 overlay took whatever it was told, and looked at it when the mount was made.
        return takes("lowerdir+") && !takes("no-such-option") ? .layerByLayer : .onThread
    }

    static func detached(_ directories: LayerDirectories) throws -> Descriptor {
        let context = Descriptor(owning: try system("fsopen", "overlay") { fender_fsopen("overlay") })
        let number = context.raw
        let set = CUnsignedInt(FENDER_FSCONFIG_SET_STRING)
        for name in directories.names {
            try system("fsconfig", "lowerdir+") { fender_fsconfig(number, set, "lowerdir+", name) }
        }
        for (key, value) in directories.upperOptions(prefix: "/proc/self/fd/") {
            let command = value == nil ? CUnsignedInt(FENDER_FSCONFIG_SET_FLAG) : set
            try system("fsconfig", key) { fender_fsconfig(number, command, key, value) }
        }
        let create = CUnsignedInt(FENDER_FSCONFIG_CMD_CREATE)
        try system("fsconfig", "create overlay") { fender_fsconfig(number, create, nil, nil) }
        let readOnly = FENDER_MOUNT_ATTR_RDONLY | FENDER_MOUNT_ATTR_NOSUID | FENDER_MOUNT_ATTR_NODEV
        let attributes = directories.isWritable ? 0 : readOnly
        return Descriptor(owning: try system("fsmount") { fender_fsmount(number, CUnsignedInt(attributes)) })
    }

    /// The thread's mount namespace ends with it; the descriptor keeps the one mount alive.
    private static func onPrivateThread(_ layers: [String]) throws -> Descriptor {
        Descriptor(
            owning: try OwnThread.run {
                try system("unshare") { fender_unshare_mounts() }
                // Layers must be opened in the namespace that they are mounted in. Any directory will do to
                // mount on; the first of them is sure to be there.
                try mountHere(try LayerDirectories(layers), at: layers[0])
                return try Descriptor.open(layers[0], pathOnly | O_DIRECTORY).release()
            })
    }

    /// mount(2) with the shortest names there are: numbers in the working directory /proc/self/fd.
    static func mountHere(_ directories: LayerDirectories, at target: String) throws {
        try system("chdir") { chdir("/proc/self/fd") }
        let lower = directories.descriptors.map { "\($0)" }.joined(separator: ":")
        let flags = directories.isWritable ? 0 : FENDER_MS_RDONLY | FENDER_MS_NOSUID | FENDER_MS_NODEV
        let options =
            ["lowerdir=\(lower)"]
            + directories.upperOptions(prefix: "").map { key, value in value.map { "\(key)=\($0)" } ?? key }
        try system("mount overlay", target) {
            fender_mount("overlay", target, "overlay", UInt(flags), options.joined(separator: ","))
        }
    }

    private static func bind(_ source: String, at target: String) throws {
        let flags = FENDER_MS_BIND
        try system("mount bind", target) { fender_mount(source, target, nil, UInt(flags), nil) }
        let readOnly = flags | FENDER_MS_REMOUNT | FENDER_MS_RDONLY
        let all = readOnly | FENDER_MS_NOSUID | FENDER_MS_NODEV
        do {
            try system("remount read-only", target) { fender_mount(nil, target, nil, UInt(all), nil) }
        } catch {
            fender_detach_mount(target)
            throw error
        }
    }
}

/// O_PATH as open(2) takes it.
let pathOnly = CInt(FENDER_O_PATH)

/// Layer directories held open, the topmost first, and the directories above them if there are any.
final class LayerDirectories: Sendable {
    let paths: [String]
    let descriptors: [CInt]
    /// The upper and the work directory; empty when nothing can be written.
    private let writable: [CInt]

    var isWritable: Bool { !writable.isEmpty }

    /// Options of the mount for the directories above; nil for the value of a flag.
    ///
    /// The inode index is for hard links of NFS exports; without it an upper directory can be mounted again while an
    /// old mount of it is still going away. Unless it is volatile, an unmount writes back the whole file system that
    /// the upper directory is on, which on a busy disk takes long; after a crash of the machine it cannot be mounted
    /// again, and no container goes on then.
    func upperOptions(prefix: String) -> [(key: String, value: String?)] {
        guard isWritable else { return [] }
        return [
            ("upperdir", "\(prefix)\(writable[0])"), ("workdir", "\(prefix)\(writable[1])"), ("index", "off"),
            ("volatile", nil),
        ]
    }

    /// Names of the directories that are short and free of special characters.
    var names: [String] { descriptors.map { "/proc/self/fd/\($0)" } }

    /// Throws ``ImageRootError`` for no or too many layers and for a directory that cannot be opened.
    init(_ paths: [String], upper: ContainerRoot.Upper? = nil) throws {
        // The kernel's overlay takes 500 lower layers; Docker makes 128 at most.
        guard !paths.isEmpty, paths.count <= 500 else {
            throw ImageRootError(.invalid, "open image: \(paths.count) layers")
        }
        let wanted = paths + (upper.map { [$0.directory, $0.work] } ?? [])
        var opened: [CInt] = []
        do {
            for path in wanted {
                opened.append(try Descriptor.open(path, pathOnly | O_DIRECTORY).release())
            }
        } catch {
            for number in opened { close(number) }
            throw ImageRootError(.failed, "open image layer: \(error)")
        }
        self.paths = paths
        descriptors = Array(opened[..<paths.count])
        writable = Array(opened[paths.count...])
    }

    deinit {
        for number in descriptors + writable { close(number) }
    }
}
