internal import Linux

/// Linux capabilities by name.
public enum Capabilities {
    /// Every capability, in the order of its number (linux/capability.h of Linux 5.9 and later).
    public static let names = [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
        "CHECKPOINT_RESTORE",
    ].map { "CAP_" + $0 }

    /// Those the running kernel knows.
    public static func ofKernel() throws -> [String] {
        let last = Int(try Files.text("/proc/sys/kernel/cap_last_cap")) ?? names.count - 1
        return Array(names.prefix(max(0, last) + 1))
    }

    /// Names as CRI clients write them, in any case and with or without `CAP_`, in their full form, without
    /// repeats; `ALL` stays. Throws ``SecurityError`` for a name no kernel knows.
    public static func normalise(_ asked: [String]) throws -> [String] {
        var result: [String] = []
        for text in asked {
            let name = try normalise(text)
            if !result.contains(name) { result.append(name) }
        }
        return result
    }

    private static func normalise(_ text: String) throws -> String {
        let upper = text.uppercased()
        if upper == "ALL" || upper == "CAP_ALL" { return "ALL" }
        let name = upper.hasPrefix("CAP_") ? upper : "CAP_" + upper
        guard names.contains(name) else {
            throw SecurityError("use capability \(text.debugDescription): there is no such capability")
        }
        return name
    }
}

/// The capabilities a process has in effect.
public struct CapabilitySet: Sendable, Equatable {
    /// A bit a capability, by its number.
    public var bits: UInt64

    /// A set out of bits.
    public init(bits: UInt64) {
        self.bits = bits
    }

    /// Whether a capability (`CAP_SYS_RESOURCE`) is in the set.
    public func contains(_ name: String) -> Bool {
        guard let number = Capabilities.names.firstIndex(of: name) else { return false }
        return bits & 1 << UInt64(number) != 0
    }

    /// The effective set of a process, by default our own.
    public static func effective(of pid: Int32? = nil) throws -> CapabilitySet {
        let path = "/proc/\(pid.map(String.init) ?? "self")/status"
        guard let text = ProcessStatus(text: try Files.text(path))["CapEff"], let bits = UInt64(text, radix: 16) else {
            throw SecurityError("read capabilities from \(path): no CapEff line")
        }
        return CapabilitySet(bits: bits)
    }
}
