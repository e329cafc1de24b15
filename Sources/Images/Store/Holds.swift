/// What must stay though no image names it.
struct Holds: Sendable {
    /// Blobs and layers (by chain id) that a pull or an import in flight relies on, and how many of these do.
    private var leases: [Digest: Int] = [:]
    /// Snapshots by key.
    var snapshots: [String: SnapshotRecord] = [:]

    mutating func lease(_ digests: [Digest]) {
        for digest in digests { leases[digest, default: 0] += 1 }
    }

    mutating func release(_ digests: [Digest]) {
        for digest in digests {
            let left = (leases[digest] ?? 0) - 1
            leases[digest] = left > 0 ? left : nil
        }
    }

    /// All that must stay.
    var digests: Set<Digest> { Set(leases.keys).union(snapshots.values.flatMap(\.layers)) }
}
