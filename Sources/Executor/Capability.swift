internal import Linux
internal import OCI

/// Capabilities by name and bit (capabilities(7)).
enum Capability {
    private static let names = [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
        "CHECKPOINT_RESTORE",
    ]

    static var all: [String] { names.map { "CAP_\($0)" } }

    /// The bits of a list of names, and the names nobody can be given: unknown ones, or ones we lack.
    static func bits(_ list: [String], granted: UInt64) -> (bits: UInt64, missing: [String]) {
        var bits: UInt64 = 0
        var missing: [String] = []
        for name in list {
            let upper = name.uppercased()
            if upper.hasPrefix("CAP_"), let index = names.firstIndex(of: String(upper.dropFirst(4))),
                granted >> UInt64(index) & 1 == 1
            {
                bits |= 1 << UInt64(index)
            } else {
                missing.append(name)
            }
        }
        return (bits, missing)
    }

    /// The bits this process may give away: its bounding set.
    static func granted() throws -> UInt64 {
        let status = ProcessStatus(text: try Files.text("/proc/self/status"))
        return UInt64(status["CapBnd"] ?? "", radix: 16) ?? 0
    }
}
