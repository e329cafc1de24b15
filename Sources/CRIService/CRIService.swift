internal import CRI
internal import Logging
public import RPC
public import Runtime
public import Statistics
public import Streaming
internal import SwiftProtobuf

/// The CRI over one back end: validates requests, answers from the World, maps errors; holds no state.
///
/// A call `X` is found in `X`'s group: `CRIService+Sandboxes`, `+Containers`, `+Images`, `+Node`, `+Streaming`, `+Statistics`,
/// `+Metrics`, `+Events`.
public struct CRIService: Sendable {
    let runtime: any ContainerRuntime

    let streaming: StreamingServer?

    let statistics: StatisticsCollector

    /// The service over `runtime`; without a streaming server `Exec`, `Attach` and `PortForward` are unimplemented.
    public init(
        runtime: any ContainerRuntime, streaming: StreamingServer? = nil,
        statistics: StatisticsCollector = StatisticsCollector()
    ) {
        self.runtime = runtime
        self.streaming = streaming
        self.statistics = statistics
    }

    /// Every method of `runtime.v1` and, with the same handlers, of `runtime.v1alpha2`, by full path.
    ///
    /// Every field and enum value of v1alpha2 is in v1 with the same number and wire type, so only the service name
    /// differs.
    public func methods() -> [String: MethodHandler] {
        var table = MethodTable()
        addNode(to: &table)
        addSandboxes(to: &table)
        addContainers(to: &table)
        addImages(to: &table)
        addEvents(to: &table)
        addStatistics(to: &table)
        addMetrics(to: &table)
        addUnimplemented(to: &table)
        addStreaming(to: &table)
        return table.paths
    }

    var world: World { runtime.world }

    /// The World, once it has been filled; before that absence would read as death.
    func knownWorld() throws -> World {
        guard world.isKnown else {
            throw RuntimeError(.unavailable, "the container engine has not been read yet")
        }
        return world
    }

    func sandbox(_ id: String) throws -> SandboxRecord {
        try require(id, "pod_sandbox_id")
        guard let record = try knownWorld().sandbox(id) else {
            throw RuntimeError(.notFound, "sandbox \(id): not found")
        }
        return record
    }

    func container(_ id: String) throws -> ContainerRecord {
        try require(id, "container_id")
        guard let record = try knownWorld().container(id) else {
            throw RuntimeError(.notFound, "container \(id): not found")
        }
        return record
    }
}
