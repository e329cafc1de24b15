internal import CRI
internal import DockerEngine
internal import Runtime

/// An image as Docker's inspection shows it.
struct ImageReading {
    var inspection: Docker.ImageInspect
    var isPinned = false

    func record() -> ImageRecord {
        let config = inspection.Config
        var image = Image()
        image.id = inspection.Id
        image.repoTags = inspection.RepoTags.filter { !$0.hasPrefix("<none>") }.sorted()
        image.repoDigests = inspection.RepoDigests.filter { !$0.hasPrefix("<none>") }.sorted()
        // A size of 0 is refused by the kubelet's client; an image of metadata only has one byte.
        image.size = UInt64(max(1, inspection.Size))
        image.pinned = isPinned
        setUser(config.User ?? "", &image)
        return ImageRecord(
            image: image, createdAt: nanoseconds(inspection.Created), labels: config.Labels ?? [:],
            user: config.User ?? "", stopSignal: config.StopSignal ?? "",
            hasCommand: !(config.Entrypoint ?? []).isEmpty || !(config.Cmd ?? []).isEmpty,
            layers: layers)
    }

    /// `USER 1000:1000` is uid 1000, `USER www-data` is a name; the kubelet's runAsNonRoot looks at both.
    private func setUser(_ user: String, _ image: inout Image) {
        let name = user.split(separator: ":", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        if name.isEmpty {
            image.uid.value = 0
        } else if name.allSatisfy({ $0.isASCII && $0.isNumber }) {
            // A number beyond 32 bits must not pass for a name (CVE-2024-40635 class).
            image.uid.value = UInt32(name).map(Int64.init) ?? 0
        } else {
            image.username = name
        }
    }

    /// overlay2's directories, top first.
    private var layers: [String] {
        let data = inspection.GraphDriver.Data
        guard let upper = data["UpperDir"] else { return [] }
        return [upper] + (data["LowerDir"] ?? "").split(separator: ":").map(String.init)
    }
}
