internal import BackEnd
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
        image.setUser(config.User ?? "")
        return ImageRecord(
            image: image, createdAt: nanoseconds(inspection.Created), labels: config.Labels ?? [:],
            user: config.User ?? "", stopSignal: config.StopSignal ?? "",
            hasCommand: !(config.Entrypoint ?? []).isEmpty || !(config.Cmd ?? []).isEmpty,
            layers: layers)
    }

    /// overlay2's directories, top first.
    private var layers: [String] {
        let data = inspection.GraphDriver.Data
        guard let upper = data["UpperDir"] else { return [] }
        return [upper] + (data["LowerDir"] ?? "").split(separator: ":").map(String.init)
    }
}
