internal import CRI
internal import Configuration
internal import Linux
internal import RPC
internal import Runtime

/// Moves a node that has both back ends from one to the other, without a drain: new pods go to the other one from the
/// start on, and those that there are can be moved one at a time.
///
/// A pod is moved by being ended: its kubelet makes it anew, as a pod whose sandbox died, under the same name and uid.
struct BackEndMove {
    let target: DefaultBackEnd
    let node: Node
    let programs: NodePrograms
    /// Where Fender's settings stand on the node.
    let settingsFile: String
    let client: Client
    /// How long Fender may take to start, and a pod to come back.
    let patience: Duration
    let say: @Sendable (String) -> Void

    /// How long a container may take to end when its kubelet did not say.
    private static let defaultGrace: Int64 = 30

    private var connection: CRIConnection { CRIConnection(client: client, timeout: .seconds(10)) }

    /// What there is, and what would be done.
    func show() async throws {
        let isDefault = try await defaultBackEnd() == target.rawValue
        let left = try await podsElsewhere()
        if isDefault && left.isEmpty { return say("Every pod is on \(target): nothing to do.") }
        if !isDefault {
            say("default-back-end = \"\(target)\" in \(settingsFile), and systemctl restart fender.service (--apply)")
        }
        for pod in left { say("move \(Self.name(pod)) (--drain-by-pod)") }
    }

    /// Lets new pods go to the other back end.
    func changeDefault() async throws {
        if try await defaultBackEnd() == target.rawValue { return }
        let known = try node.file(settingsFile)
        var file = known ?? NodeFile(path: settingsFile, bytes: [], mode: 0o644, owner: 0, group: 0)
        var settings = SettingsText(file.text)
        settings.set(.init(option: "default-back-end", text: target.rawValue))
        file.bytes = Array(settings.text.utf8)
        say("write \(settingsFile)")
        try node.write(file)
        try await programs.change(["systemctl", "restart", "fender.service"])
        try await within(patience, "Fender does not say that pods go to \(target)") {
            try await defaultBackEnd() == target.rawValue
        }
    }

    /// Moves every pod that is not there yet, the oldest first. What was moved stays so when one does not come back.
    func drain() async throws {
        for pod in try await podsElsewhere() { try await move(pod) }
        say(
            target == .native
                ? "no pod is on Docker any more: it may be stopped, and runtime = \"native\" set"
                : "every pod is on Docker")
    }

    private func move(_ pod: PodSandbox) async throws {
        say("move \(Self.name(pod))")
        var filter = ContainerFilter()
        filter.podSandboxID = pod.id
        filter.state.state = .containerRunning
        let running = try await connection.containers(filter)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for container in running { group.addTask { try await stop(container) } }
            try await group.waitForAll()
        }
        var request = StopPodSandboxRequest()
        request.podSandboxID = pod.id
        _ = try await CRIConnection(client: client, timeout: patience).call(
            .runtime, "StopPodSandbox", request, as: StopPodSandboxResponse.self)
        try await within(patience, "\(Self.name(pod)) does not come back: see its kubelet, and run this again") {
            try await isBack(pod, containers: running.count)
        }
    }

    /// Gives a container the time that its pod has for it.
    private func stop(_ container: Container) async throws {
        var request = StopContainerRequest()
        request.containerID = container.id
        request.timeout =
            container.annotations["io.kubernetes.pod.terminationGracePeriod"].flatMap { Int64($0) } ?? Self.defaultGrace
        let limit = patience + .seconds(request.timeout)
        _ = try await CRIConnection(client: client, timeout: limit).call(
            .runtime, "StopContainer", request, as: StopContainerResponse.self)
    }

    /// Whether the pod is where it should be, with as many containers as it had.
    private func isBack(_ pod: PodSandbox, containers count: Int) async throws -> Bool {
        for other in try await connection.sandboxes()
        where other.metadata.uid == pod.metadata.uid && other.id != pod.id && other.state == .sandboxReady {
            var filter = ContainerFilter()
            filter.podSandboxID = other.id
            filter.state.state = .containerRunning
            guard try await backEnd(of: other) == target.rawValue else { continue }
            if try await connection.containers(filter).count >= count { return true }
        }
        return false
    }

    /// The pods that run on the other back end without having asked for one, the oldest first.
    private func podsElsewhere() async throws -> [PodSandbox] {
        var found: [PodSandbox] = []
        for pod in try await connection.sandboxes().sorted(by: { $0.createdAt < $1.createdAt })
        where pod.state == .sandboxReady && pod.runtimeHandler.isEmpty {
            if try await backEnd(of: pod) != target.rawValue { found.append(pod) }
        }
        return found
    }

    // MARK: What Fender tells

    private func backEnd(of pod: PodSandbox) async throws -> String? {
        var request = PodSandboxStatusRequest()
        request.podSandboxID = pod.id
        request.verbose = true
        do {
            let answer = try await connection.call(
                .runtime, "PodSandboxStatus", request, as: PodSandboxStatusResponse.self)
            return answer.info["backEnd"].map(Self.unquoted)
        } catch let error as RPCError where error.code == .notFound {
            return nil
        }
    }

    /// Where pods without a handler go. Throws ``MigrationError`` when there is one back end only.
    private func defaultBackEnd() async throws -> String {
        var request = StatusRequest()
        request.verbose = true
        let answer = try await connection.call(.runtime, "Status", request, as: StatusResponse.self)
        guard let text = answer.info["defaultBackEnd"] else {
            throw MigrationError(
                "this Fender serves one back end only: it takes runtime = \"auto\", Docker, and fender-monitor")
        }
        return Self.unquoted(text)
    }

    private static func unquoted(_ json: String) -> String { json.filter { $0 != "\"" } }

    private static func name(_ pod: PodSandbox) -> String { "\(pod.metadata.namespace)/\(pod.metadata.name)" }

    /// Asks again until it is so. An answer that does not come, as while Fender starts, is none.
    private func within(_ limit: Duration, _ complaint: String, _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + limit
        while (try? await isSo()) != true {
            try Task.checkCancellation()
            guard ContinuousClock.now < deadline else { throw MigrationError(complaint) }
            // Another process, and the kubelet: neither tells us.
            try await Task.sleep(for: .milliseconds(250))
        }
    }
}
