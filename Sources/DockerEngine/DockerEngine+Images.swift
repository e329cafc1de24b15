extension DockerEngine {
    /// `GET /images/json`; `all` includes intermediate images, `sharedSize` (API 1.42) computes `SharedSize`.
    public func listImages(
        all: Bool = false, filters: DockerFilters = [:], sharedSize: Bool = false,
        deadline: Duration? = defaultDeadline
    ) async throws -> [Docker.ImageSummary] {
        var request = Request(.get, "/images/json", deadline: deadline)
        request.add("all", all)
        request.add("digests", true)
        request.add("shared-size", sharedSize)
        try request.add(filters: filters)
        return try await fetch([Docker.ImageSummary].self, request)
    }

    /// `GET /images/{name}/json`, by id or reference.
    public func inspectImage(
        _ name: String, deadline: Duration? = defaultDeadline
    ) async throws -> Docker.ImageInspect {
        try await fetch(
            Docker.ImageInspect.self, Request(.get, try path("/images", image: name, "/json"), deadline: deadline))
    }

    /// `GET /images/{name}/history`, newest first.
    public func imageHistory(
        _ name: String, deadline: Duration? = defaultDeadline
    ) async throws -> [Docker.HistoryResponseItem] {
        let request = Request(.get, try path("/images", image: name, "/history"), deadline: deadline)
        return try await fetch([Docker.HistoryResponseItem].self, request)
    }

    /// `POST /images/create`: pulls; the stream tells progress and ends when the image is there.
    ///
    /// `tag` is a tag or a digest; nil takes what `image` holds, and Docker pulls every tag of a name without any. An
    /// error that Docker reports in the stream is thrown from it as ``DockerError/Kind/serverError`` (status 200) with
    /// Docker's message. Dropping the stream, or cancelling its reader, ends the pull. `deadline` is for the answer's
    /// head only.
    public func pullImage(
        _ image: String, tag: String? = nil, platform: String? = nil, auth: Docker.AuthConfig? = nil,
        deadline: Duration? = nil
    ) async throws -> DockerStream<Docker.JSONMessage> {
        var request = Request(.post, "/images/create", deadline: deadline)
        request.add("fromImage", image)
        request.add("tag", tag)
        request.add("platform", platform)
        try request.add(auth: auth)
        return DockerStream(body: try await open(request), call: "pull \(image)", endsWell: true)
    }

    /// `DELETE /images/{name}`: removes a reference and, with the last one, the image.
    ///
    /// By id with several references only with `force`; `noPrune` keeps untagged parents. `conflict` when in use.
    @discardableResult
    public func removeImage(
        _ name: String, force: Bool = false, noPrune: Bool = false, deadline: Duration? = defaultDeadline
    ) async throws -> [Docker.ImageDeleteResponseItem] {
        var request = Request(.delete, try path("/images", image: name), deadline: deadline)
        request.add("force", force)
        request.add("noprune", noPrune)
        return try await fetch([Docker.ImageDeleteResponseItem].self, request)
    }

    /// `POST /images/{name}/tag`.
    public func tagImage(
        _ name: String, repo: String, tag: String, deadline: Duration? = defaultDeadline
    ) async throws {
        var request = Request(.post, try path("/images", image: name, "/tag"), deadline: deadline)
        request.add("repo", repo)
        request.add("tag", tag)
        try await send(request)
    }

    /// `GET /images/get`: the images of these names or ids as an archive, in pieces; `deadline` is for the answer's head.
    public func saveImages(
        _ names: [String], deadline: Duration? = defaultDeadline,
        to write: (_ piece: [UInt8]) async throws -> Void
    ) async throws {
        var request = Request(.get, "/images/get", deadline: deadline)
        for name in names { request.add("names", name) }
        let body = try await open(request)
        defer { body.close() }
        while let piece = try await body.read() { try await write(piece) }
    }

    /// `POST /images/load`: the images in a `docker save` or OCI archive; the messages Docker wrote.
    @discardableResult
    public func loadImage(
        _ archive: DockerUpload, deadline: Duration? = defaultDeadline
    ) async throws -> [Docker.JSONMessage] {
        var request = Request(.post, "/images/load", deadline: deadline)
        request.add("quiet", true)
        return try await upload(archive, request)
    }

    /// `POST /images/create?fromSrc=-`: makes an image of one layer from a tar archive; its id.
    ///
    /// `changes` are Dockerfile instructions such as `CMD ["/pause"]`.
    @discardableResult
    public func importImage(
        _ archive: DockerUpload, repo: String? = nil, tag: String? = nil, message: String? = nil,
        changes: [String] = [], platform: String? = nil, deadline: Duration? = defaultDeadline
    ) async throws -> String {
        var request = Request(.post, "/images/create", deadline: deadline)
        request.add("fromSrc", "-")
        request.add("repo", repo)
        request.add("tag", tag)
        request.add("message", message)
        request.add("platform", platform)
        for change in changes { request.add("changes", change) }
        guard let id = try await upload(archive, request).last?.status, id.hasPrefix("sha256:") else {
            throw DockerError(.decoding, message: "no image id in the answer", call: request.name)
        }
        return id
    }

    /// `GET /distribution/{name}/json`: what the registry holds under a reference.
    public func inspectDistribution(
        _ name: String, auth: Docker.AuthConfig? = nil, deadline: Duration? = defaultDeadline
    ) async throws -> Docker.DistributionInspect {
        var request = Request(.get, try path("/distribution", image: name, "/json"), deadline: deadline)
        try request.add(auth: auth)
        return try await fetch(Docker.DistributionInspect.self, request)
    }

    private func upload(_ archive: DockerUpload, _ request: Request) async throws -> [Docker.JSONMessage] {
        let response = try await archive.sending { body in
            var request = request
            request.body = body
            return try await self.send(request)
        }
        var messages: [Docker.JSONMessage] = []
        for line in response.body.split(separator: UInt8(ascii: "\n")) {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard !line.isEmpty else { continue }
            let message = try Self.decode(Docker.JSONMessage.self, Array(line), call: request.name)
            try message.rejectError(call: request.name)
            messages.append(message)
        }
        return messages
    }
}
