internal import CRI
internal import Runtime

/// The node's own calls: `Version`, `Status`, `RuntimeConfig`, `UpdateRuntimeConfig`.
extension CRIService {
    func addNode(to table: inout MethodTable) {
        table.unary(.runtime, "Version") { (_: VersionRequest) in try await runtime.version() }
        table.unary(.runtime, "Status") { (request: StatusRequest) in
            try await runtime.status(verbose: request.verbose)
        }
        table.unary(.runtime, "RuntimeConfig") { (_: RuntimeConfigRequest) in try await runtime.runtimeConfig() }
        table.unary(.runtime, "UpdateRuntimeConfig") { (request: UpdateRuntimeConfigRequest) in
            try await runtime.updateRuntimeConfig(request.runtimeConfig)
            return UpdateRuntimeConfigResponse()
        }
    }
}
