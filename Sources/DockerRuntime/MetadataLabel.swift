internal import CRI
internal import FoundationEssentials
internal import SwiftProtobuf

/// Metadata that the fields of a Docker name cannot carry, because a part has an underscore.
enum MetadataLabel {
    static func encode(_ metadata: PodSandboxMetadata) -> String? {
        let parts = [metadata.name, metadata.namespace, metadata.uid]
        return parts.contains { $0.contains("_") } ? parts.joined(separator: "/") + "/\(metadata.attempt)" : nil
    }

    static func encode(_ metadata: ContainerMetadata) -> String? {
        metadata.name.contains("_") ? "\(metadata.name)/\(metadata.attempt)" : nil
    }

    /// The sandbox's metadata from its label or, without one, from its Docker name.
    static func sandbox(label: String?, name: String) -> PodSandboxMetadata? {
        var metadata = PodSandboxMetadata()
        if let parts = label?.split(separator: "/").map(String.init), parts.count == 4, let attempt = UInt32(parts[3]) {
            (metadata.name, metadata.namespace, metadata.uid, metadata.attempt) = (
                parts[0], parts[1], parts[2], attempt
            )
            return metadata
        }
        guard let fields = DockerName.parse(name) else { return nil }
        metadata.name = fields.pod
        metadata.namespace = fields.namespace
        metadata.uid = fields.uid
        metadata.attempt = fields.attempt
        return metadata
    }

    /// The container's metadata from its label or, without one, from its Docker name.
    static func container(label: String?, name: String) -> ContainerMetadata? {
        var metadata = ContainerMetadata()
        if let parts = label?.split(separator: "/").map(String.init), parts.count == 2, let attempt = UInt32(parts[1]) {
            (metadata.name, metadata.attempt) = (parts[0], attempt)
            return metadata
        }
        guard let fields = DockerName.parse(name) else { return nil }
        metadata.name = fields.container
        metadata.attempt = fields.attempt
        return metadata
    }
}

/// The CRI mounts of a container, kept only where Docker's own record would lose a field.
enum MountsLabel {
    static func encode(_ mounts: [CRI.Mount]) throws -> String? {
        let loses = mounts.contains {
            $0.hasImage || $0.selinuxRelabel || !$0.mountOptions.isEmpty || $0.recursiveReadOnly
        }
        guard loses else { return nil }
        var config = ContainerConfig()
        config.mounts = mounts
        let bytes: [UInt8] = try config.serializedBytes()
        return Data(bytes).base64EncodedString()
    }

    static func decode(_ label: String) -> [CRI.Mount]? {
        guard let data = Data(base64Encoded: label) else { return nil }
        return try? ContainerConfig(serializedBytes: [UInt8](data)).mounts
    }
}
