/// CRI `LinuxPodSandboxConfig.sysctls`: only what belongs to a pod's own namespaces may be set.
public enum Sysctls {
    /// Checks names and values and answers them with names in dot form.
    ///
    /// Throws ``SecurityError`` for a sysctl that is not namespaced, one whose namespace is the host's
    /// (CVE-2022-0532), a malformed name, or a value with control characters (CVE-2022-0811).
    public static func validate(
        _ sysctls: [String: String], hostNetwork: Bool, hostIPC: Bool
    ) throws -> [String: String] {
        var result: [String: String] = [:]
        for (given, value) in sysctls {
            let name = try normalise(given)
            let refusal = "set sysctl \(name.debugDescription): "
            guard let namespace = namespace(of: name) else {
                throw SecurityError(refusal + "it is not namespaced")
            }
            if namespace == .network && hostNetwork { throw SecurityError(refusal + "the pod uses the host's network") }
            if namespace == .ipc && hostIPC { throw SecurityError(refusal + "the pod uses the host's IPC namespace") }
            guard !value.isEmpty, value.utf8.count <= 4_096, value.utf8.allSatisfy({ $0 == 0x09 || 0x20..<0x7f ~= $0 })
            else { throw SecurityError(refusal + "the value is empty, too long or not printable") }
            guard result.updateValue(value, forKey: name) == nil else {
                throw SecurityError(refusal + "it is given twice")
            }
        }
        return result
    }

    private enum Namespace {
        case network
        case ipc
    }

    private static let ipcNames: Set<String> = [
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax",
        "kernel.shmmni", "kernel.shm_rmid_forced",
    ]

    private static func namespace(of name: String) -> Namespace? {
        if name.hasPrefix("net.") { return .network }
        if name.hasPrefix("fs.mqueue.") || ipcNames.contains(name) { return .ipc }
        return nil
    }

    /// Dot form, as sysctl.d(5) reads names: when the first separator is a slash, slashes part the name and
    /// dots belong to it, and change places.
    private static func normalise(_ name: String) throws -> String {
        let dot = UInt8(ascii: ".")
        let slash = UInt8(ascii: "/")
        var bytes = Array(name.utf8)
        if bytes.first(where: { $0 == dot || $0 == slash }) == slash {
            bytes = bytes.map { $0 == dot ? slash : $0 == slash ? dot : $0 }
        }
        let parts = bytes.split(separator: dot, omittingEmptySubsequences: false)
        let isFit = bytes.count <= 255 && parts.count > 1 && parts.allSatisfy { isFitPart($0, slash: slash) }
        guard isFit else { throw SecurityError("set sysctl \(name.debugDescription): malformed name") }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A part may hold single inner slashes: the dots of an interface's name (`eth0/100`).
    private static func isFitPart(_ part: ArraySlice<UInt8>, slash: UInt8) -> Bool {
        let pieces = part.split(separator: slash, omittingEmptySubsequences: false)
        return pieces.allSatisfy { piece in !piece.isEmpty && piece.allSatisfy(isNameByte) }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
