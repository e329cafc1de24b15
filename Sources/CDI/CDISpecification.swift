internal import FoundationEssentials

/// One CDI specification file (CDI 0.3.0 to 1.0.0) as its JSON has it; unknown keys are ignored.
struct CDISpecification: Decodable {
    struct Device: Decodable {
        var name: String
        var containerEdits: Edits?
    }

    struct Edits: Decodable {
        var env: [String]?
        var deviceNodes: [DeviceNode]?
        var mounts: [Mount]?
        var hooks: [Hook]?
        var additionalGids: [UInt32]?
    }

    struct DeviceNode: Decodable {
        var path: String
        var hostPath: String?
        var type: String?
        var major: Int64?
        var minor: Int64?
        var fileMode: UInt32?
        var permissions: String?
        var uid: UInt32?
        var gid: UInt32?
    }

    struct Mount: Decodable {
        var hostPath: String
        var containerPath: String
        var options: [String]?
        var type: String?
    }

    struct Hook: Decodable {
        var hookName: String
        var path: String
        var args: [String]?
        var env: [String]?
        var timeout: Int?
    }

    var cdiVersion: String
    var kind: String
    var devices: [Device]
    var containerEdits: Edits?

    /// Decodes and checks a file's bytes. Throws ``CDIError``.
    static func parse(_ bytes: [UInt8]) throws -> CDISpecification {
        let specification: CDISpecification
        do {
            specification = try JSONDecoder().decode(CDISpecification.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw CDIError("parse CDI specification: \(error.reason)")
        }
        try specification.check()
        return specification
    }

    private func check() throws {
        let versions = ["0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0"]
        let version = cdiVersion.hasPrefix("v") ? String(cdiVersion.dropFirst()) : cdiVersion
        guard versions.contains(version) else {
            throw CDIError("use CDI specification: unknown cdiVersion \(cdiVersion.debugDescription)")
        }
        _ = try CDIDeviceName.parse(kind: kind)
        guard !devices.isEmpty else { throw CDIError("use CDI specification \(kind): it has no devices") }
        var names: Set<String> = []
        for device in devices {
            guard CDIDeviceName.isDeviceName(device.name) else {
                throw CDIError("use CDI specification \(kind): bad device name \(device.name.debugDescription)")
            }
            guard names.insert(device.name).inserted else {
                throw CDIError("use CDI specification \(kind): device \(device.name) is defined twice")
            }
            try device.containerEdits?.check("\(kind)=\(device.name)")
        }
        try containerEdits?.check(kind)
    }
}

extension CDISpecification.Edits {
    fileprivate func check(_ owner: String) throws {
        for entry in env ?? [] where entry.first == "=" || !entry.contains("=") || entry.utf8.contains(0) {
            throw CDIError("use CDI device \(owner): bad environment entry \(entry.debugDescription)")
        }
        for node in deviceNodes ?? [] { try node.check(owner) }
        for mount in mounts ?? [] where !mount.hostPath.isUsable || !mount.containerPath.isUsable {
            throw CDIError("use CDI device \(owner): a mount needs absolute paths")
        }
        for hook in hooks ?? [] where !hook.path.isUsable {
            throw CDIError("use CDI device \(owner): a hook needs an absolute path")
        }
    }
}

extension CDISpecification.DeviceNode {
    fileprivate func check(_ owner: String) throws {
        guard path.isUsable, hostPath?.isUsable ?? true else {
            throw CDIError("use CDI device \(owner): a device node needs an absolute path")
        }
        guard ["", "b", "c", "u", "p"].contains(type ?? "") else {
            throw CDIError("use CDI device \(owner): bad device type \(type.debugDescription)")
        }
        guard (permissions ?? "").utf8.allSatisfy({ "rwm".utf8.contains($0) }) else {
            throw CDIError("use CDI device \(owner): bad device permissions \(permissions.debugDescription)")
        }
    }
}

extension String {
    fileprivate var isUsable: Bool {
        hasPrefix("/") && utf8.count <= 4_096 && !utf8.contains { $0 < 0x20 || $0 == 0x7f }
    }
}

extension DecodingError {
    /// One line: what is wrong and at which key.
    fileprivate var reason: String {
        switch self {
        case .keyNotFound(let key, let context): "\(Self.path(context)): \(key.stringValue) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            "\(Self.path(context)): \(context.debugDescription)"
        @unknown default: "malformed"
        }
    }

    private static func path(_ context: Context) -> String {
        "/" + context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: "/")
    }
}
