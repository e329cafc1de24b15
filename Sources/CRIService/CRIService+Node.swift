internal import CRI
internal import Runtime

/// The node's own calls: `Version`, `Status`, `RuntimeConfig`, `UpdateRuntimeConfig`.
extension CRIService {
    func addNode(to table: inout MethodTable) {
        for version in MethodTable.versions {
            table.unary(.runtime, "Version", of: [version]) { (_: VersionRequest) in
                var response = try await runtime.version()
                response.runtimeApiVersion = version
                return response
            }
        }
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
