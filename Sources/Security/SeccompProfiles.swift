internal import Glibc
internal import Linux

/// The seccomp profiles that files on this node hold.
public struct SeccompProfiles: Sendable {
    /// The directory that relative references are looked up in; the kubelet's by default.
    public var root: String
    /// The most bytes a profile may have.
    public static let limit = 1 << 20

    /// Profiles below `root`.
    public init(root: String = "/var/lib/kubelet/seccomp") {
        self.root = root
    }

    /// The profile as compact JSON.
    ///
    /// `reference` is an absolute path (CRI `SecurityProfile.localhost_ref`) or a path below the root
    /// (before Kubernetes 1.19), which cannot leave it. Throws ``SecurityError`` when it is absent, not a
    /// regular file, too large or not a JSON object.
    public func load(_ reference: String) throws -> String {
        do {
            return try JSONText.compactObject(try read(reference))
        } catch let error as SystemError {
            throw SecurityError("load seccomp profile \(reference.debugDescription): \(error)")
        } catch let error as JSONText.Malformed {
            throw SecurityError("load seccomp profile \(reference.debugDescription): not JSON at byte \(error.offset)")
        }
    }

    /// What Docker's `HostConfig.SecurityOpt` says for a profile; nil where Docker's default is meant.
    public func dockerOption(for profile: SecurityProfile) throws -> String? {
        switch profile {
        case .runtimeDefault: nil
        case .unconfined: "seccomp=unconfined"
        case .localhost(let reference): "seccomp=" + (try load(reference))
        }
    }

    private func read(_ reference: String) throws -> [UInt8] {
        guard !reference.utf8.contains(0) else { throw SystemError(call: "open", code: EINVAL) }
        // O_NONBLOCK: a FIFO must not hold us.
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY
        if reference.hasPrefix("/") {
            return try Self.read(try Descriptor.open(reference, flags))
        }
        let directory = try Descriptor.open(root, O_RDONLY | O_DIRECTORY)
        return try Self.read(try Descriptor.open(reference, inRoot: directory, flags))
    }

    private static func read(_ file: consuming Descriptor) throws -> [UInt8] {
        guard try file.status().st_mode & S_IFMT == S_IFREG else {
            throw SystemError(call: "read", object: "what is no regular file", code: EINVAL)
        }
        return try Files.read(file, limit: limit)
    }
}
