internal import CRI
internal import RPC
internal import Runtime
internal import Statistics

/// The calls about containers, in the order of their life.
extension CRIService {
    func addContainers(to table: inout MethodTable) {
        addContainerLife(to: &table)
        addContainerReading(to: &table)
        table.unary(.runtime, "UpdateContainerResources") { (request: UpdateContainerResourcesRequest) in
            let container = try container(request.containerID)
            if request.hasLinux { try await runtime.updateContainerResources(container, request.linux) }
            return UpdateContainerResourcesResponse()
        }
        table.unary(.runtime, "ReopenContainerLog") { (request: ReopenContainerLogRequest) in
            try await runtime.reopenContainerLog(try container(request.containerID))
            return ReopenContainerLogResponse()
        }
        table.unary(.runtime, "ExecSync") { (request: ExecSyncRequest) in
            let container = try container(request.containerID)
            try require(!request.cmd.isEmpty, "cmd: must not be empty")
            try require(request.timeout >= 0, "timeout: must not be negative")
            return try await runtime.execSync(container, command: request.cmd, timeout: request.timeout)
        }
    }

    private func addContainerLife(to table: inout MethodTable) {
        table.unary(.runtime, "CreateContainer") { (request: CreateContainerRequest) in
            let sandbox = try sandbox(request.podSandboxID)
            try require(request.hasConfig, "config: must be set")
            try validate(request.config, sandboxLogDirectory: request.sandboxConfig.logDirectory)
            var response = CreateContainerResponse()
            response.containerID = try await runtime.createContainer(
                in: sandbox, request.config, sandboxConfig: request.sandboxConfig)
            return response
        }
        table.unary(.runtime, "StartContainer") { (request: StartContainerRequest) in
            let container = try container(request.containerID)
            try await runtime.startContainer(container)
            // Measured by the time someone asks for it.
            if let layer = container.writableLayer { _ = statistics.layers.usage(of: layer.directory) }
            return StartContainerResponse()
        }
        table.unary(.runtime, "StopContainer") { (request: StopContainerRequest) in
            try require(request.containerID, "container_id")
            if let container = try knownWorld().container(request.containerID) {
                try await runtime.stopContainer(container, timeout: max(0, request.timeout))
            }
            return StopContainerResponse()
        }
        table.unary(.runtime, "RemoveContainer") { (request: RemoveContainerRequest) in
            try require(request.containerID, "container_id")
            if let container = try knownWorld().container(request.containerID) {
                try await runtime.removeContainer(container)
            }
            return RemoveContainerResponse()
        }
    }

    private func addContainerReading(to table: inout MethodTable) {
        table.unary(.runtime, "ContainerStatus") { (request: ContainerStatusRequest) in
            let container = try container(request.containerID)
            var response = ContainerStatusResponse()
            response.status = container.status
            if request.verbose { response.info = try await runtime.info(of: container) }
            return response
        }
        table.encoded(.runtime, "ListContainers") { (request: ListContainersRequest) in
            Payload(try knownWorld().containerList(request.hasFilter ? request.filter : nil).bytes)
        }
        table.stream(.runtime, "StreamContainers") { (request: StreamContainersRequest, writer) in
            try await write(knownWorld().containerList(request.hasFilter ? request.filter : nil), to: writer)
        }
    }
}
