internal import Glibc

/// Signals by the names that kill(1) takes.
enum Signals {
    private static let names = [
        "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS",
    ]

    /// A number, or a name with or without SIG.
    static func parse(_ text: String) throws -> Int32 {
        if let number = Int32(text), 0...64 ~= number { return number }
        let upper = text.uppercased()
        let name = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
        if let index = names.firstIndex(of: name), index > 0 { return Int32(index) }
        if name == "RTMIN" { return 34 }
        if name.hasPrefix("RTMIN+"), let offset = Int32(name.dropFirst(6)), 0...30 ~= offset { return 34 + offset }
        throw UsageError("unknown signal \"\(text)\"")
    }
}
