extension Cgroup {
    /// Applies CRI `LinuxContainerResources.unified`: control files of the v2 hierarchy by name.
    ///
    /// All names and values are checked before the first is written. Throws ``CgroupError`` for a name that
    /// is a path or one of the kernel's own `cgroup.*` files, where there is no v2 hierarchy, or where it
    /// lacks the file.
    public func apply(unified settings: [String: String]) throws {
        if settings.isEmpty { return }
        guard let unified else { throw CgroupError("apply unified resources: this machine has no cgroup v2") }
        for (file, value) in settings { try Self.check(file, value) }
        for (file, value) in settings.sorted(by: { $0.key < $1.key }) {
            try Self.write(value, to: file, in: unified)
        }
    }

    /// Checks names and values of CRI `unified` alone, before there is a container. Throws ``CgroupError``.
    public static func validate(unified settings: [String: String]) throws {
        for (file, value) in settings { try check(file, value) }
    }

    private static func check(_ file: String, _ value: String) throws {
        let refusal = "set unified resource \(file.debugDescription): "
        guard file.utf8.count <= 255, file.utf8.allSatisfy(isNameByte), file.contains("."),
            !file.hasPrefix("."), !file.contains("..")
        else { throw CgroupError(refusal + "not the name of a control file") }
        // cgroup.procs, cgroup.kill and their like move or end processes: no resources.
        guard !file.hasPrefix("cgroup.") else { throw CgroupError(refusal + "it is not a resource") }
        guard value.utf8.count <= 4_096, value.utf8.allSatisfy({ $0 == 0x0a || 0x20..<0x7f ~= $0 }) else {
            throw CgroupError(refusal + "the value is too long or not printable")
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
