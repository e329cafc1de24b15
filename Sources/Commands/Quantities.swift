/// Numbers as people read them.
enum Quantities {
    /// Bytes with a binary prefix and at most one decimal: `0 B`, `1.5 KiB`, `12 MiB`.
    static func bytes(_ count: UInt64) -> String {
        let prefixes = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var value = Double(count)
        var index = 0
        while value >= 1024, index + 1 < prefixes.count {
            value /= 1024
            index += 1
        }
        let tenths = Int((value * 10).rounded())
        // What rounds up to the next prefix.
        if tenths >= 10240, index + 1 < prefixes.count { return "1 \(prefixes[index + 1])" }
        return tenths >= 100 || tenths % 10 == 0
            ? "\((tenths + 5) / 10) \(prefixes[index])" : "\(tenths / 10).\(tenths % 10) \(prefixes[index])"
    }

    /// A time span by its largest unit, as kubectl does: `42s`, `5m`, `3h`, `12d`.
    static func age(nanoseconds: Int64) -> String {
        let seconds = max(0, nanoseconds / 1_000_000_000)
        if seconds < 120 { return "\(seconds)s" }
        if seconds < 7200 { return "\(seconds / 60)m" }
        if seconds < 172_800 { return "\(seconds / 3600)h" }
        return "\(seconds / 86_400)d"
    }

    /// Billionths of a core as thousandths, the form of Kubernetes: `250m`.
    static func cores(_ nanoCores: UInt64) -> String { "\((nanoCores + 500_000) / 1_000_000)m" }

    /// The first 13 digits of an id, without the algorithm before it, as crictl shows them.
    static func short(_ id: String) -> String { String((id.split(separator: ":").last ?? "").prefix(13)) }
}
