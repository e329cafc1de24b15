internal import CRI
internal import Cgroups
internal import FoundationEssentials
internal import SwiftProtobuf

/// Limits that Docker's API has no word for; written to the cgroup after the start.
struct LateLimits: Equatable {
    var resources: LinuxContainerResources

    /// The part of `resources` that Docker cannot take.
    init(_ resources: LinuxContainerResources) {
        self.resources = LinuxContainerResources()
        self.resources.hugepageLimits = resources.hugepageLimits
        self.resources.unified = resources.unified
    }

    /// What the label says; nil when it says nothing.
    init?(label: String?) {
        guard let label, let data = Data(base64Encoded: label) else { return nil }
        guard let resources = try? LinuxContainerResources(serializedBytes: [UInt8](data)) else { return nil }
        self.resources = resources
    }

    /// The label's text; nil when there is nothing to keep.
    var encoded: String? {
        if isEmpty { return nil }
        let bytes: [UInt8]? = try? resources.serializedBytes()
        return bytes.map { Data($0).base64EncodedString() }
    }

    var isEmpty: Bool { resources.hugepageLimits.isEmpty && resources.unified.isEmpty }
}
