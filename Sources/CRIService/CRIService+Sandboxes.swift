internal import CRI
internal import RPC
internal import Runtime

/// `RunPodSandbox`, `StopPodSandbox`, `RemovePodSandbox`, `PodSandboxStatus`, `UpdatePodSandboxResources`,
/// `ListPodSandbox`, `StreamPodSandboxes`.
extension CRIService {
    func addSandboxes(to table: inout MethodTable) {
        table.unary(.runtime, "RunPodSandbox") { (request: RunPodSandboxRequest) in
            try require(request.hasConfig, "config: must be set")
            try validate(request.config)
            _ = try knownWorld()
            var response = RunPodSandboxResponse()
            response.podSandboxID = try await runtime.runPodSandbox(request.config, handler: request.runtimeHandler)
            return response
        }
        table.unary(.runtime, "StopPodSandbox") { (request: StopPodSandboxRequest) in
            try require(request.podSandboxID, "pod_sandbox_id")
            if let sandbox = try knownWorld().sandbox(request.podSandboxID) {
                try await runtime.stopPodSandbox(sandbox)
            }
            return StopPodSandboxResponse()
        }
        table.unary(.runtime, "RemovePodSandbox") { (request: RemovePodSandboxRequest) in
            try require(request.podSandboxID, "pod_sandbox_id")
            if let sandbox = try knownWorld().sandbox(request.podSandboxID) {
                try await runtime.removePodSandbox(sandbox)
            }
            return RemovePodSandboxResponse()
        }
        table.unary(.runtime, "UpdatePodSandboxResources") { (request: UpdatePodSandboxResourcesRequest) in
            let sandbox = try sandbox(request.podSandboxID)
            guard sandbox.status.state == .sandboxReady else {
                throw RuntimeError(.failedPrecondition, "update sandbox \(sandbox.id): it is not ready")
            }
            try await runtime.updatePodSandboxResources(
                sandbox, overhead: request.overhead, resources: request.resources)
            return UpdatePodSandboxResourcesResponse()
        }
        table.unary(.runtime, "PodSandboxStatus") { (request: PodSandboxStatusRequest) in
            try await status(of: sandbox(request.podSandboxID), verbose: request.verbose)
        }
        table.encoded(.runtime, "ListPodSandbox") { (request: ListPodSandboxRequest) in
            Payload(try knownWorld().sandboxList(request.hasFilter ? request.filter : nil).bytes)
        }
        table.stream(.runtime, "StreamPodSandboxes") { (request: StreamPodSandboxesRequest, writer) in
            try await write(knownWorld().sandboxList(request.hasFilter ? request.filter : nil), to: writer)
        }
    }

    private func status(of sandbox: SandboxRecord, verbose: Bool) async throws -> PodSandboxStatusResponse {
        var response = PodSandboxStatusResponse()
        response.status = sandbox.status
        response.containersStatuses = world.containers(in: sandbox.id).map(\.status)
        response.timestamp = nanosecondsNow()
        if verbose { response.info = try await runtime.info(of: sandbox) }
        return response
    }

    /// Sends a list in messages of whole entries; the stream twins have the same field 1 as the list replies.
    func write(_ list: EncodedList, to writer: ResponseWriter) async throws {
        for piece in list.pieces() { try await writer.write(Payload(Array(piece))) }
    }
}
