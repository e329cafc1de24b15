internal import CRI

/// What Fender keeps of the CRI in Docker's labels, in dockershim's form.
///
/// CRI labels stand verbatim, CRI annotations behind the prefix `annotation.`. What dockershim's form cannot hold
/// without ambiguity (a CRI label that looks like one of ours) and what it has no place for stands behind `io.fender.`,
/// which no CRI answer shows.
enum DockerLabel {
    static let type = "io.kubernetes.docker.type"
    static let sandboxID = "io.kubernetes.sandbox.id"
    static let logPath = "io.kubernetes.container.logpath"
    static let containerName = "io.kubernetes.container.name"

    /// Names with an underscore, which the Docker name cannot carry: fields of the metadata joined by `/`.
    static let metadata = "io.fender.metadata"
    /// The image as the user wrote it.
    static let userImage = "io.fender.image"
    /// Keys that the image's own labels brought along, joined by a newline.
    static let foreign = "io.fender.foreign"
    /// Limits that Docker cannot take and that are applied after the start, as JSON.
    static let limits = "io.fender.limits"
    /// The mounts as the CRI gave them, where Docker's own record loses something.
    static let mounts = "io.fender.mounts"
    /// Annotations as NRI plugins changed them; no CRI answer shows these.
    static let pluginAnnotations = "io.fender.nri-annotations"
    /// The runtime handler as the CRI gave it.
    static let handler = "io.fender.handler"
    /// Set on Fender's own helper containers.
    static let helper = "io.fender.helper"

    static let sandboxType = "podsandbox"
    static let containerType = "container"

    private static let ours = "io.fender."
    private static let escaped = "io.fender.label."
    private static let annotation = "annotation."

    private static func isReserved(_ key: String) -> Bool {
        key == type || key == sandboxID || key == logPath || key.hasPrefix(ours) || key.hasPrefix(annotation)
    }

    /// CRI labels and annotations as Docker labels. `containerName` may be taken: a sandbox's is always `POD`.
    static func encode(
        labels: [String: String], annotations: [String: String], reserving taken: String? = nil
    ) -> [String: String] {
        var encoded: [String: String] = [:]
        for (key, value) in labels {
            encoded[isReserved(key) || key == taken ? escaped + key : key] = value
        }
        for (key, value) in annotations { encoded[annotation + key] = value }
        return encoded
    }

    /// The CRI labels and annotations that `encode` was given.
    static func decode(_ labels: [String: String], reserving taken: String? = nil) -> Decoded {
        let foreign = Set((labels[foreign] ?? "").split(separator: "\n").map(String.init))
        var decoded = Decoded()
        for (key, value) in labels where !foreign.contains(key) {
            if key.hasPrefix(escaped) {
                decoded.labels[String(key.dropFirst(escaped.count))] = value
            } else if key.hasPrefix(annotation) {
                decoded.annotations[String(key.dropFirst(annotation.count))] = value
            } else if !isReserved(key) && key != taken {
                decoded.labels[key] = value
            }
        }
        return decoded
    }

    struct Decoded: Equatable {
        var labels: [String: String] = [:]
        var annotations: [String: String] = [:]
    }
}
