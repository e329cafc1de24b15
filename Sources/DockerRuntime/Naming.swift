internal import CRI

/// The Docker names of pods' containers, as dockershim wrote them: `k8s_…` with fields joined by `_`.
enum DockerName {
    static let sandboxContainerName = "POD"

    /// `k8s_POD_<pod>_<namespace>_<uid>_<attempt>`.
    static func sandbox(_ metadata: PodSandboxMetadata) -> String {
        "k8s_\(sandboxContainerName)_\(metadata.name)_\(metadata.namespace)_\(metadata.uid)_\(metadata.attempt)"
    }

    /// `k8s_<container>_<pod>_<namespace>_<uid>_<attempt>`.
    static func container(_ metadata: ContainerMetadata, in sandbox: PodSandboxMetadata) -> String {
        "k8s_\(metadata.name)_\(sandbox.name)_\(sandbox.namespace)_\(sandbox.uid)_\(metadata.attempt)"
    }

    /// The fields of a name with or without Docker's leading slash; nil when it is no pod's.
    ///
    /// A seventh field is the random suffix that dockershim appended after a name conflict.
    static func parse(_ name: String) -> Fields? {
        let bare = name.hasPrefix("/") ? name.dropFirst() : Substring(name)
        let parts = bare.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 6 || parts.count == 7, parts[0] == "k8s", let attempt = UInt32(parts[5]) else {
            return nil
        }
        return Fields(
            container: String(parts[1]), pod: String(parts[2]), namespace: String(parts[3]), uid: String(parts[4]),
            attempt: attempt)
    }

    struct Fields: Equatable {
        var container: String
        var pod: String
        var namespace: String
        var uid: String
        var attempt: UInt32
    }
}
