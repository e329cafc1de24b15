internal import Linux

/// oom_score_adj values that the process which starts containers is able to set.
public enum OOMScore {
    /// The kernel's range.
    public static let range = -1_000...1_000

    /// The value nearest to `requested` that a child of process `daemon` can be given.
    ///
    /// The kernel lets a process without CAP_SYS_RESOURCE in the first user namespace go no lower than its
    /// inherited minimum, which is not shown anywhere but never above its present value. Below it the
    /// container could not start at all. `clamped` says that the request was not met.
    public static func clamp(_ requested: Int, daemon: Int32? = nil) -> (value: Int, clamped: Bool) {
        var value = min(max(requested, range.lowerBound), range.upperBound)
        if let floor = floor(of: daemon) { value = max(value, floor) }
        return (value, value != requested)
    }

    /// The lowest value children of a process can be given; nil when any.
    ///
    /// A process that cannot be looked at counts as one that can do what we can.
    public static func floor(of daemon: Int32? = nil) -> Int? {
        let process = daemon.flatMap { Files.exists("/proc/\($0)/status") ? $0 : nil }
        if let set = try? CapabilitySet.effective(of: process), set.contains("CAP_SYS_RESOURCE"),
            isInFirstUserNamespace(process)
        {
            return nil
        }
        let path = "/proc/\(process.map(String.init) ?? "self")/oom_score_adj"
        return (try? Files.text(path)).flatMap { Int($0) } ?? 0
    }

    private static func isInFirstUserNamespace(_ process: Int32?) -> Bool {
        let path = "/proc/\(process.map(String.init) ?? "self")/uid_map"
        guard let text = try? Files.text(path) else { return true }
        return text.split(separator: " ") == ["0", "0", "4294967295"]
    }
}
