internal import CExecutor
internal import OCI
internal import Security

/// The bits of capabilities (capabilities(7)).
enum Capability {
    /// The bits of a list of names, and the names nobody can be given: unknown ones, or ones we lack.
    static func bits(_ list: [String], granted: UInt64) -> (bits: UInt64, missing: [String]) {
        var bits: UInt64 = 0
        var missing: [String] = []
        for name in list {
            let upper = name.uppercased()
            if let index = Capabilities.names.firstIndex(of: upper), granted >> UInt64(index) & 1 == 1 {
                bits |= 1 << UInt64(index)
            } else {
                missing.append(name)
            }
        }
        return (bits, missing)
    }

    /// The bits this process may give away: its bounding set.
    static func granted() -> UInt64 { fender_bounding_set() }
}
