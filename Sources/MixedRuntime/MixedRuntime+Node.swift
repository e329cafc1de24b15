public import CRI
internal import Runtime

/// Calls about the node.
extension MixedRuntime {
    /// `Version`: Docker's, so that container ids stay `docker://…`.
    public func version() async throws -> VersionResponse { try await docker.version() }

    /// `Status`: ready when pods can be run where pods without a handler go, and nothing that runs is out of sight.
    public func status(verbose: Bool) async throws -> StatusResponse {
        let onDocker = try await docker.status(verbose: verbose)
        let withoutDocker = try await native.status(verbose: verbose)
        var response = onDocker
        let conditions = zip(onDocker.status.conditions, withoutDocker.status.conditions)
        response.status.conditions = conditions.map { own, other in
            if !other.status { return other }
            return own.type == "RuntimeReady" && isDockerIdle ? other : own
        }
        response.runtimeHandlers = handlers(onDocker.runtimeHandlers, withoutDocker.runtimeHandlers)
        response.features.supplementalGroupsPolicy =
            onDocker.features.supplementalGroupsPolicy && withoutDocker.features.supplementalGroupsPolicy
        // Of the handlers only native ones have user namespaces at all.
        response.features.userNamespacesHostNetwork = withoutDocker.features.userNamespacesHostNetwork
        if verbose {
            response.info["native"] = withoutDocker.info["info"]
            response.info["defaultBackEnd"] = "\"\(defaultPart)\""
        }
        return response
    }

    /// Whether it does not matter if Docker answers: no new pod goes there, and none is left.
    private var isDockerIdle: Bool {
        defaultPart == .native && docker.world.sandboxes.allSatisfy { $0.status.state != .sandboxReady }
    }

    /// Those of both parts; the empty name is the default part's.
    private func handlers(_ docker: [RuntimeHandler], _ native: [RuntimeHandler]) -> [RuntimeHandler] {
        let unnamed = (defaultPart == .native ? native : docker).filter(\.name.isEmpty)
        let own = native.filter { isNative($0.name) && !$0.name.isEmpty }
        return unnamed + docker.filter { !$0.name.isEmpty && !isNative($0.name) } + own
    }

    /// `RuntimeConfig`: Docker's cgroup driver, which was there first.
    public func runtimeConfig() async throws -> RuntimeConfigResponse { try await docker.runtimeConfig() }

    /// `UpdateRuntimeConfig`.
    public func updateRuntimeConfig(_ config: CRI.RuntimeConfig) async throws {
        try await docker.updateRuntimeConfig(config)
        try await native.updateRuntimeConfig(config)
    }
}
