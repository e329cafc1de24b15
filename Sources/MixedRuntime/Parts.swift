public import BackEnd
public import Runtime
public import Streaming

/// A back end as a part of a mixed node; its World is a part of the node's.
public typealias PodBackEnd = ContainerRuntime & PluginTarget & StreamingRuntime

/// The part that runs pods on Docker.
public protocol DockerPart: PodBackEnd {
    /// Writes an image to a new file, in the form of `docker save`.
    func save(_ image: ImageRecord, to path: String) async throws
}

/// The part that runs pods without Docker.
public protocol NativePart: PodBackEnd {
    /// The runtime handlers that are this part's.
    var handlerNames: Set<String> { get }
    /// Takes an image that another store has, under the names it has there; answers its record here.
    ///
    /// `save` writes it to a new file, in a form that ``ImageStore`` reads.
    func take(
        _ image: ImageRecord, save: @escaping @Sendable (_ path: String) async throws -> Void
    ) async throws -> ImageRecord
}

/// Which part has the pods that name no runtime handler.
public enum DefaultPart: Sendable {
    /// Docker.
    case docker
    /// Fender's own executor and image store.
    case native
}
