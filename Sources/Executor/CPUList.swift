/// Lists of CPUs or memory nodes as cpuset(7) has them: "0-3,7".
enum CPUList {
    /// A bit for each, the lowest first; nil for what is no list.
    static func mask(_ list: String) -> [UInt8]? {
        var mask: [UInt8] = []
        for range in list.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = range.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
            guard ends.count <= 2, let first = ends[0], let last = ends[ends.count - 1], first <= last, last < 8192
            else { return nil }
            for cpu in Int(first)...Int(last) {
                while mask.count <= cpu / 8 { mask.append(0) }
                mask[cpu / 8] |= 1 << (cpu % 8)
            }
        }
        return mask
    }
}
