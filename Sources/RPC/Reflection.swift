internal import SwiftProtobuf

/// Server reflection: tells gRPC tools which services there are and how their messages look.
struct Reflection: Sendable {
    private let services: [String]
    private let descriptors: [String]
    private let aliases: [String: String]

    private static let package = "grpc.reflection.v1"
    private static let oldPackage = "grpc.reflection.v1alpha"
    /// The services that this adds to a server.
    static let services = [package, oldPackage].map { "\($0).ServerReflection" }

    /// `services` are all full names; `descriptors` and `aliases` as in ``Server/Configuration``.
    init(services: [String], descriptors: [String], aliases: [String: String]) {
        self.services = services.sorted()
        self.descriptors = descriptors + [BuiltInDescriptors.base64]
        self.aliases = aliases.merging([Self.oldPackage: Self.package]) { _, ours in ours }
    }

    /// The methods of both versions of the service, which have the same messages.
    var methods: [String: MethodHandler] {
        let handler = MethodHandler.bidirectional { requests, _, responses in
            // Made for each conversation, since these are rare and the daemon shall be small meanwhile.
            var files: DescriptorFiles?
            while let bytes = try await requests.next() {
                let request: Grpc_Reflection_V1_ServerReflectionRequest
                do {
                    request = try Grpc_Reflection_V1_ServerReflectionRequest(serializedBytes: bytes)
                } catch {
                    throw RPCError(.invalidArgument, "request: \(error)")
                }
                let known = try files ?? DescriptorFiles(base64: descriptors, aliases: aliases)
                files = known
                let response = try answer(request, known)
                try await responses.write(Payload(try response.serializedBytes() as Block))
            }
        }
        return Dictionary(uniqueKeysWithValues: Self.services.map { ("/\($0)/ServerReflectionInfo", handler) })
    }

    private func answer(
        _ request: Grpc_Reflection_V1_ServerReflectionRequest, _ files: DescriptorFiles
    ) throws -> Grpc_Reflection_V1_ServerReflectionResponse {
        var response = Grpc_Reflection_V1_ServerReflectionResponse()
        response.validHost = request.host
        response.originalRequest = request
        switch request.messageRequest {
        case .fileByFilename(let name):
            response.messageResponse = try found(files.closure(ofFile: name), "file \(name)")
        case .fileContainingSymbol(let symbol):
            response.messageResponse = try found(files.closure(ofSymbol: symbol), "symbol \(symbol)")
        case .fileContainingExtension(let wanted):
            response.messageResponse = try found(
                files.closure(ofExtension: wanted.extensionNumber, of: wanted.containingType),
                "extension \(wanted.extensionNumber) of \(wanted.containingType)")
        case .allExtensionNumbersOfType(let type):
            if let numbers = files.extensionNumbers(of: type) {
                response.messageResponse = .allExtensionNumbersResponse(
                    .with {
                        $0.baseTypeName = type
                        $0.extensionNumber = numbers
                    })
            } else {
                response.messageResponse = try found(nil, "type \(type)")
            }
        case .listServices:
            response.messageResponse = .listServicesResponse(
                .with { $0.service = services.map { name in .with { $0.name = name } } })
        case nil:
            response.messageResponse = failure(.invalidArgument, "the request asks for nothing")
        }
        return response
    }

    private func found(
        _ files: [Google_Protobuf_FileDescriptorProto]?, _ what: String
    ) throws -> Grpc_Reflection_V1_ServerReflectionResponse.OneOf_MessageResponse {
        guard let files else { return failure(.notFound, "\(what) not found") }
        let encoded = try files.map { try $0.serializedData() }
        return .fileDescriptorResponse(.with { $0.fileDescriptorProto = encoded })
    }

    private func failure(
        _ code: StatusCode, _ message: String
    ) -> Grpc_Reflection_V1_ServerReflectionResponse.OneOf_MessageResponse {
        .errorResponse(
            .with {
                $0.errorCode = Int32(code.rawValue)
                $0.errorMessage = message
            })
    }
}
