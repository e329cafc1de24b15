/// The options of a mount, sorted by what the kernel wants to know when (mount(8) and config.md, "mounts").
struct MountOptions: Equatable {
    /// MOUNT_ATTR_* bits to set and clear on the mount itself.
    var set: UInt64 = 0
    var clear: UInt64 = 0
    /// The same for all mounts below it too.
    var recursiveSet: UInt64 = 0
    var recursiveClear: UInt64 = 0
    /// MS_SHARED, MS_PRIVATE, MS_SLAVE or MS_UNBINDABLE, with MS_REC; 0 leaves it.
    var propagation: UInt64 = 0
    var isBind = false
    var isRecursive = false
    var copiesUp = false
    var idmap: IDMap?
    /// What goes to the file system: "key" or "key=value".
    var data: [String] = []

    enum IDMap { case this, recursive }

    static let readOnly: UInt64 = 0x1
    static let recursiveFlag: UInt64 = 0x4000

    /// Attribute options: what each sets and clears.
    static let attributes: [String: (set: UInt64, clear: UInt64)] = [
        "ro": (readOnly, 0), "rw": (0, readOnly), "nosuid": (0x2, 0), "suid": (0, 0x2), "nodev": (0x4, 0),
        "dev": (0, 0x4), "noexec": (0x8, 0), "exec": (0, 0x8), "noatime": (0x10, 0x70), "atime": (0, 0x70),
        "relatime": (0, 0x70), "norelatime": (0, 0x70), "strictatime": (0x20, 0x70), "nostrictatime": (0, 0x70),
        "nodiratime": (0x80, 0), "diratime": (0, 0x80), "nosymfollow": (0x20_0000, 0), "symfollow": (0, 0x20_0000),
    ]
    static let propagations: [String: UInt64] = [
        "private": 1 << 18, "rprivate": 1 << 18 | recursiveFlag, "slave": 1 << 19, "rslave": 1 << 19 | recursiveFlag,
        "shared": 1 << 20, "rshared": 1 << 20 | recursiveFlag, "unbindable": 1 << 17,
        "runbindable": 1 << 17 | recursiveFlag,
    ]
    /// Options that change nothing here: the default, or devpts's way since Linux 4.7.
    private static let silent: Set = [
        "defaults", "async", "loud", "nomand", "newinstance", "remount", "nolazytime", "noiversion",
    ]

    init(_ options: [String]) {
        for option in options { take(option) }
    }

    /// The bits for rootfsPropagation and mount options; nil for another word.
    static func propagation(_ word: String) -> UInt64? { propagations[word] }

    private mutating func take(_ option: String) {
        if let change = Self.attributes[option] {
            set = set & ~change.clear | change.set
            clear = clear & ~change.set | change.clear
        } else if option.hasPrefix("r"), let change = Self.attributes[String(option.dropFirst())] {
            recursiveSet = recursiveSet & ~change.clear | change.set
            recursiveClear = recursiveClear & ~change.set | change.clear
        } else if let bits = Self.propagations[option] {
            propagation = bits
        } else {
            takeRest(option)
        }
    }

    private mutating func takeRest(_ option: String) {
        switch option {
        case "bind": isBind = true
        case "rbind": (isBind, isRecursive) = (true, true)
        case "tmpcopyup": copiesUp = true
        case "idmap": idmap = .this
        case "ridmap": idmap = .recursive
        case let word where Self.silent.contains(word) || word.isEmpty: break
        default: data.append(option)
        }
    }
}
