internal import BackEnd
internal import CNI
internal import CRI
internal import DockerEngine
internal import FoundationEssentials
internal import Linux

/// A sandbox's checkpoint file as dockershim and cri-dockerd write it.
///
/// Fender itself needs none of it; it is written so that cri-dockerd can take the node back, and read so that what it
/// or dockershim left is not lost. Any checksum is accepted: both compute it over Go type names that differ.
struct Checkpoint: Codable, Equatable {
    struct PortMapping: Codable, Equatable {
        var `protocol`: String?
        var container_port: Int32?
        var host_port: Int32?
        var host_ip: String?
    }

    struct Body: Codable, Equatable {
        var port_mappings: [PortMapping]?
        var host_network: Bool?
    }

    var version = "v1"
    var name: String
    var namespace: String
    var data: Body
    var checksum: UInt64 = 0

    init(_ config: PodSandboxConfig) {
        name = config.metadata.name
        namespace = config.metadata.namespace
        let mappings = config.portMappings.filter { $0.hostPort > 0 }.map { mapping in
            PortMapping(
                protocol: mapping.protocol.networkName, container_port: mapping.containerPort,
                host_port: mapping.hostPort, host_ip: mapping.hostIp.isEmpty ? nil : mapping.hostIp)
        }
        let hostNetwork = config.linux.securityContext.namespaceOptions.network == .node
        data = Body(port_mappings: mappings.isEmpty ? nil : mappings, host_network: hostNetwork ? true : nil)
        checksum = UInt64(data.fingerprint)
    }
}

extension Checkpoint.Body {
    /// The host ports as the network takes them.
    var portMappings: [CNI.PortMapping] {
        (port_mappings ?? []).map { mapping in
            CNI.PortMapping(
                protocolName: mapping.protocol ?? "tcp", containerPort: mapping.container_port ?? 0,
                hostPort: mapping.host_port ?? 0, hostIP: mapping.host_ip ?? "")
        }
    }

    /// cri-dockerd's checksum: FNV-1a, 32 bit, over Go's `%#v`-like rendering of the data.
    var fingerprint: UInt32 {
        var hash: UInt32 = 2_166_136_261
        for byte in rendering.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return hash
    }

    private var rendering: String {
        let ports = port_mappings.map { mappings in
            let items = mappings.map { mapping in
                "<*>{Protocol:(*config.Protocol)\(mapping.protocol ?? "tcp") ContainerPort:(*int32)\(mapping.container_port ?? 0)"
                    + " HostPort:(*int32)\(mapping.host_port ?? 0) HostIP:(string)\(mapping.host_ip ?? "")}"
            }
            return "[\(items.joined(separator: " "))]"
        }
        return "(core.CheckpointData){PortMappings:([]*config.PortMapping)\(ports ?? "<nil>")"
            + " HostNetwork:(bool)\(host_network ?? false)}"
    }
}

/// The directory of our checkpoint files, and those that earlier shims left.
struct CheckpointStore: Sendable {
    /// `<root>/sandbox`.
    private let directory: String
    /// The same of dockershim and cri-dockerd: read and cleaned up, never written.
    private let adopted: [String]

    init(root: String, adopting roots: [String] = []) {
        directory = "\(root)/sandbox"
        adopted = roots.map { "\($0)/sandbox" }
    }

    private var directories: [String] { [directory] + adopted }

    func write(_ checkpoint: Checkpoint, for id: String) throws {
        try Files.makeDirectories(directory, mode: 0o700)
        try Files.replace("\(directory)/\(id)", with: [UInt8](JSONEncoder().encode(checkpoint)))
    }

    /// The checkpoint of a sandbox; nil when there is none or it is not readable.
    func read(_ id: String) -> Checkpoint? {
        for directory in directories {
            guard let bytes = try? Files.read("\(directory)/\(id)", limit: 1 << 20) else { continue }
            if let found = try? JSONDecoder().decode(Checkpoint.self, from: Data(bytes)) { return found }
        }
        return nil
    }

    /// Removes it wherever it is, with what a write that was killed half-way left of it.
    func remove(_ id: String) throws {
        for directory in directories {
            try Files.remove("\(directory)/\(id)")
            try Files.remove("\(directory)/.\(id).tmp")
        }
    }

    /// The ids that have a checkpoint, whole or not; what is not named by a full id is nobody's checkpoint.
    func ids() -> Set<String> {
        let names = directories.flatMap { (try? Files.names(in: $0)) ?? [] }
            .map { $0.hasPrefix(".") && $0.hasSuffix(".tmp") ? String($0.dropFirst().dropLast(4)) : $0 }
        return Set(names.filter { $0.utf8.count == 64 && $0.utf8.allSatisfy("0123456789abcdef".utf8.contains) })
    }
}
