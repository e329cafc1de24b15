internal import DockerEngine
internal import FoundationEssentials
internal import NRI
internal import SwiftProtobuf

/// What NRI plugins want of a container that the CRI has no words for, in Docker's.
struct PluginAdditions {
    /// All annotations as plugins left them; nil when they changed none.
    var annotations: [String: String]?
    /// Variables that not even the image may set; a name without a value unsets it.
    var removedEnvironment: [String] = []
    var ulimits: [Docker.Ulimit] = []
    var sysctls: [String: String] = [:]
    /// Target to options.
    var tmpfs: [String: String] = [:]
    var deviceRules: [String] = []
    var pids: Int64?
    var memoryReservation: Int64?
    var swappiness: Int64?
    var hasNoOOMKiller: Bool?

    func apply(to host: inout Docker.HostConfig) {
        host.Annotations = annotations
        host.Ulimits = ulimits.isEmpty ? nil : ulimits
        host.Sysctls = sysctls.isEmpty ? nil : sysctls
        host.Tmpfs = tmpfs.isEmpty ? nil : tmpfs
        host.DeviceCgroupRules = deviceRules.isEmpty ? nil : deviceRules
        host.PidsLimit = pids
        host.MemoryReservation = memoryReservation
        host.MemorySwappiness = swappiness
        host.OomKillDisable = hasNoOOMKiller
    }

    /// Docker below API 1.43 keeps no annotations; the label does.
    var annotationsLabel: String? {
        guard let annotations else { return nil }
        var message = NRIContainer()
        message.annotations = annotations
        let bytes: [UInt8]? = try? message.serializedBytes()
        return bytes.map { Data($0).base64EncodedString() }
    }

    /// What the label says.
    static func annotations(label: String?) -> [String: String]? {
        guard let label, let data = Data(base64Encoded: label) else { return nil }
        return try? NRIContainer(serializedBytes: [UInt8](data)).annotations
    }
}
