internal import CRI
internal import Linux
internal import SwiftProtobuf

/// Limits beyond Docker's API that UpdateContainerResources changed after the container was created; the label, which
/// Docker cannot change, holds the first ones.
struct LimitsStore: Sendable {
    private let directory: String

    init(root: String) { directory = "\(root)/limits" }

    func write(_ limits: LateLimits, for id: String) throws {
        try Files.makeDirectories(directory, mode: 0o700)
        try Files.replace("\(directory)/\(id)", with: limits.resources.serializedBytes())
    }

    func read(_ id: String) -> LateLimits? {
        guard let bytes = try? Files.read("\(directory)/\(id)", limit: 1 << 20) else { return nil }
        return (try? LinuxContainerResources(serializedBytes: bytes)).map(LateLimits.init)
    }

    func remove(_ id: String) { try? Files.remove("\(directory)/\(id)") }

    /// Drops what belongs to no container.
    func sweep(existing: Set<String>) {
        for id in (try? Files.names(in: directory)) ?? [] where !existing.contains(id) { remove(id) }
    }
}
