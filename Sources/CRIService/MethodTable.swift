internal import RPC
internal import Runtime
internal import SwiftProtobuf

/// The routes of the CRI, filled method by method.
struct MethodTable {
    enum Service: String {
        case runtime = "RuntimeService"
        case image = "ImageService"
    }

    /// The versions of the CRI that are served, all by the same handlers.
    static let versions = ["v1", "v1alpha2"]

    private(set) var paths: [String: MethodHandler] = [:]

    /// A call with one answer.
    mutating func unary<Request: Message, Response: Message>(
        _ service: Service, _ method: String, of versions: [String] = versions,
        _ body: @escaping @Sendable (Request) async throws -> Response
    ) {
        encoded(service, method, of: versions) { (request: Request) in
            Payload(try await body(request).serializedBytes() as Block)
        }
    }

    /// A call whose answer is already encoded.
    mutating func encoded<Request: Message>(
        _ service: Service, _ method: String, of versions: [String] = versions,
        _ body: @escaping @Sendable (Request) async throws -> Payload
    ) {
        add(
            service, method, of: versions,
            .unary { bytes, _ in
                try await answering { try await body(try decode(bytes)) }
            })
    }

    /// A call answered by a stream of messages.
    mutating func stream<Request: Message>(
        _ service: Service, _ method: String,
        _ body: @escaping @Sendable (Request, ResponseWriter) async throws -> Void
    ) {
        add(
            service, method,
            .serverStreaming { bytes, _, writer in
                try await answering { try await body(try decode(bytes), writer) }
            })
    }

    /// A call answered by a stream of messages that has no end of its own.
    mutating func subscription<Request: Message>(
        _ service: Service, _ method: String,
        _ body: @escaping @Sendable (Request, ResponseWriter) async throws -> Void
    ) {
        add(
            service, method,
            .subscription { bytes, _, writer in
                try await answering { try await body(try decode(bytes), writer) }
            })
    }

    mutating func add(
        _ service: Service, _ method: String, of versions: [String] = versions, _ handler: MethodHandler
    ) {
        for version in versions {
            paths["/runtime.\(version).\(service.rawValue)/\(method)"] = handler
        }
    }
}

private func decode<Request: Message>(_ bytes: [UInt8]) throws -> Request {
    var options = BinaryDecodingOptions()
    options.discardUnknownFields = true
    do {
        return try Request(serializedBytes: bytes, options: options)
    } catch {
        throw RuntimeError(.invalidArgument, "decode \(Request.protoMessageName): \(error)")
    }
}
