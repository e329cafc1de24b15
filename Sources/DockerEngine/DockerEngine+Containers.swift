extension DockerEngine {
    /// `GET /containers/json`; `all` includes those that do not run, `size` computes `SizeRw` (slow).
    public func listContainers(
        all: Bool = true, filters: DockerFilters = [:], size: Bool = false, deadline: Duration? = defaultDeadline
    ) async throws -> [Docker.ContainerSummary] {
        var request = Request(.get, "/containers/json", deadline: deadline)
        request.add("all", all)
        request.add("size", size)
        try request.add(filters: filters)
        return try await fetch([Docker.ContainerSummary].self, request)
    }

    /// `POST /containers/create`; `platform` such as `linux/amd64`.
    ///
    /// ``DockerError/Kind/notFound`` for an image that is not there, `conflict` for a name in use.
    public func createContainer(
        name: String?, platform: String? = nil, _ body: Docker.ContainerCreateRequest,
        deadline: Duration? = defaultDeadline
    ) async throws -> Docker.ContainerCreateResponse {
        var request = Request(.post, "/containers/create", deadline: deadline)
        request.add("name", name)
        request.add("platform", platform)
        try request.setBody(body)
        return try await fetch(Docker.ContainerCreateResponse.self, request)
    }

    /// `GET /containers/{id}/json`; `size` computes `SizeRw` (slow).
    public func inspectContainer(
        _ id: String, size: Bool = false, deadline: Duration? = defaultDeadline
    ) async throws -> Docker.ContainerInspectResponse {
        var request = Request(.get, try path("/containers", id: id, "/json"), deadline: deadline)
        request.add("size", size)
        return try await fetch(Docker.ContainerInspectResponse.self, request)
    }

    /// `POST /containers/{id}/start`; false when it already ran.
    @discardableResult
    public func startContainer(_ id: String, deadline: Duration? = defaultDeadline) async throws -> Bool {
        try await send(Request(.post, try path("/containers", id: id, "/start"), deadline: deadline)).status != 304
    }

    /// `POST /containers/{id}/stop`; false when it did not run.
    ///
    /// `timeout` in seconds from the stop signal to SIGKILL, nil: the container's own, negative: never. `signal` is
    /// sent from API 1.42 on. `deadline` starts when `timeout` has passed; a negative timeout has none.
    @discardableResult
    public func stopContainer(
        _ id: String, timeout: Int? = nil, signal: String? = nil, deadline: Duration? = defaultDeadline
    ) async throws -> Bool {
        var request = Request(.post, try path("/containers", id: id, "/stop"), deadline: nil)
        request.add("t", timeout.map(String.init))
        if let signal, try await apiVersion >= APIVersion(1, 42) { request.add("signal", signal) }
        let grace = timeout ?? 10
        if grace >= 0 { request.deadline = deadline.map { $0 + .seconds(grace) } }
        return try await send(request).status != 304
    }

    /// `POST /containers/{id}/kill`; ``DockerError/Kind/conflict`` when it does not run.
    public func killContainer(
        _ id: String, signal: String = "KILL", deadline: Duration? = defaultDeadline
    ) async throws {
        var request = Request(.post, try path("/containers", id: id, "/kill"), deadline: deadline)
        request.add("signal", signal)
        try await send(request)
    }

    /// `POST /containers/{id}/wait`: the exit code, once `condition` is met.
    public func waitContainer(
        _ id: String, condition: Docker.WaitCondition = .notRunning, deadline: Duration? = nil
    ) async throws -> Docker.ContainerWaitResponse {
        var request = Request(.post, try path("/containers", id: id, "/wait"), deadline: deadline)
        request.add("condition", condition.rawValue)
        return try await fetch(Docker.ContainerWaitResponse.self, request)
    }

    /// `DELETE /containers/{id}`; `force` kills it first, `volumes` removes its anonymous volumes.
    public func removeContainer(
        _ id: String, force: Bool = false, volumes: Bool = false, deadline: Duration? = defaultDeadline
    ) async throws {
        var request = Request(.delete, try path("/containers", id: id), deadline: deadline)
        request.add("force", force)
        request.add("v", volumes)
        try await send(request)
    }

    /// `POST /containers/{id}/update`; nil fields stay as they are.
    @discardableResult
    public func updateContainer(
        _ id: String, _ update: Docker.UpdateConfig, deadline: Duration? = defaultDeadline
    ) async throws -> Docker.ContainerUpdateResponse {
        var request = Request(.post, try path("/containers", id: id, "/update"), deadline: deadline)
        try request.setBody(update)
        return try await fetch(Docker.ContainerUpdateResponse.self, request)
    }

    /// `POST /containers/{id}/rename`.
    public func renameContainer(
        _ id: String, to name: String, deadline: Duration? = defaultDeadline
    ) async throws {
        var request = Request(.post, try path("/containers", id: id, "/rename"), deadline: deadline)
        request.add("name", name)
        try await send(request)
    }

    /// `POST /containers/{id}/resize`: the size of its terminal in characters.
    public func resizeContainer(
        _ id: String, height: Int, width: Int, deadline: Duration? = defaultDeadline
    ) async throws {
        var request = Request(.post, try path("/containers", id: id, "/resize"), deadline: deadline)
        request.add("h", String(height))
        request.add("w", String(width))
        try await send(request)
    }

    /// `GET /containers/{id}/top`: its processes, as ps(1) with `arguments` prints them.
    public func topContainer(
        _ id: String, arguments: String? = nil, deadline: Duration? = defaultDeadline
    ) async throws -> Docker.ContainerTopResponse {
        var request = Request(.get, try path("/containers", id: id, "/top"), deadline: deadline)
        request.add("ps_args", arguments)
        return try await fetch(Docker.ContainerTopResponse.self, request)
    }

    /// `POST /containers/{id}/attach`: the streams of its first process, from now on, or with what Docker has logged
    /// (`logs`) before.
    ///
    /// `tty` says whether the container has a terminal: then the stream is raw.
    public func attachContainer(
        _ id: String, stdin: Bool, stdout: Bool = true, stderr: Bool = true, tty: Bool, logs: Bool = false,
        detachKeys: String? = nil, deadline: Duration? = defaultDeadline
    ) async throws -> HijackedStream {
        var request = Request(.post, try path("/containers", id: id, "/attach"), deadline: deadline)
        request.add("stream", true)
        request.add("stdin", stdin)
        request.add("stdout", stdout)
        request.add("stderr", stderr)
        request.add("logs", logs)
        request.add("detachKeys", detachKeys)
        return try await hijack(request, tty: tty)
    }
}
