import FoundationEssentials
import SwiftProtobuf
import Testing

@testable import RPC

extension ServerTests {
    @Suite struct HealthService {
        private func check(_ client: Client, _ service: String) async throws -> Grpc_Health_V1_HealthCheckResponse {
            let request = Grpc_Health_V1_HealthCheckRequest.with { $0.service = service }
            return try Grpc_Health_V1_HealthCheckResponse(
                serializedBytes: try await client.unary("/grpc.health.v1.Health/Check", request.serializedBytes()))
        }

        @Test func checks() async throws {
            try await withServer(Unary.echo) { server, path in
                let client = try Client(path)
                for service in ["", "t.T", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"] {
                    let response = try await check(client, service)
                    #expect(response.status == .serving, "\(service)")
                }
                await #expect(throws: RPCError(.notFound, "unknown service no.S")) {
                    try await check(client, "no.S")
                }
                server.health.set(.notServing, for: "t.T")
                let changed = try await check(client, "t.T")
                #expect(changed.status == .notServing)
                let whole = try await check(client, "")
                #expect(whole.status == .serving)
                await #expect(throws: RPCError.self) {
                    try await client.unary("/grpc.health.v1.Health/Check", [0xff, 0xff])
                }
                await client.close()
            }
        }

        @Test func watches() async throws {
            try await withServer(Unary.echo) { server, path in
                let client = try Client(path)
                let call = client.call("/grpc.health.v1.Health/Watch")
                let request = Grpc_Health_V1_HealthCheckRequest.with { $0.service = "new.S" }
                await call.send(try request.serializedBytes(), last: true)
                typealias ServingStatus = Grpc_Health_V1_HealthCheckResponse.ServingStatus
                for expected in [ServingStatus.serviceUnknown, .serving, .notServing] {
                    switch expected {
                    case .serving: server.health.set(.serving, for: "new.S")
                    case .notServing: server.health.set(.notServing, for: "new.S")
                    default: break
                    }
                    let message = try #require(await call.receive())
                    let response = try Grpc_Health_V1_HealthCheckResponse(serializedBytes: message)
                    #expect(response.status == expected)
                }
                server.shutdown(grace: .seconds(100))
                while await call.receive() != nil {}
                let status = await call.status()
                #expect(status.code == .unavailable)
                await client.close()
            }
        }
    }

    @Suite struct ReflectionService {
        typealias Request = Grpc_Reflection_V1_ServerReflectionRequest
        typealias Response = Grpc_Reflection_V1_ServerReflectionResponse

        private func ask(
            _ client: Client, _ requests: [Request], package: String = "grpc.reflection.v1"
        ) async throws -> [Response] {
            let call = client.call("/\(package).ServerReflection/ServerReflectionInfo")
            var responses: [Response] = []
            for request in requests {
                await call.send(try request.serializedBytes())
                let message = try #require(await call.receive())
                responses.append(try Response(serializedBytes: message))
            }
            await call.halfClose()
            let status = await call.status()
            #expect(status.code == .ok)
            return responses
        }

        private func files(_ response: Response) throws -> [Google_Protobuf_FileDescriptorProto] {
            try response.fileDescriptorResponse.fileDescriptorProto.map {
                try Google_Protobuf_FileDescriptorProto(serializedBytes: $0)
            }
        }

        @Test(arguments: ["grpc.reflection.v1", "grpc.reflection.v1alpha"])
        func listsServices(package: String) async throws {
            try await withClient(Unary.echo) { client in
                let responses = try await ask(client, [.with { $0.listServices = "" }], package: package)
                #expect(
                    responses[0].listServicesResponse.service.map(\.name) == [
                        "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                        "grpc.reflection.v1alpha.ServerReflection", "t.T",
                    ])
            }
        }

        @Test func findsWhatIsDeclared() async throws {
            let set = Google_Protobuf_FileDescriptorSet.with {
                $0.file = [
                    .with {
                        $0.name = "x/b.proto"
                        $0.package = "x.v1"
                        $0.dependency = ["x/a.proto"]
                        $0.messageType = [
                            .with {
                                $0.name = "M"
                                $0.field = [
                                    .with {
                                        $0.name = "f"
                                        $0.typeName = ".x.v1.M.N"
                                    }
                                ]
                                $0.nestedType = [.with { $0.name = "N" }]
                            }
                        ]
                        $0.enumType = [
                            .with {
                                $0.name = "E"
                                $0.value = [.with { $0.name = "E_ONE" }]
                            }
                        ]
                        $0.extension = [
                            .with {
                                $0.name = "e"
                                $0.extendee = ".x.v1.M"
                                $0.number = 100
                            }
                        ]
                        $0.service = [
                            .with {
                                $0.name = "S"
                                $0.method = [
                                    .with {
                                        $0.name = "Do"
                                        $0.inputType = ".x.v1.M"
                                    }
                                ]
                            }
                        ]
                    },
                    .with { $0.name = "x/a.proto" },
                ]
            }
            let encoded = try set.serializedData().base64EncodedString()
            try await withClient(
                [:],
                {
                    $0.descriptors = [encoded]
                    $0.packageAliases = ["x.v1alpha": "x.v1"]
                }
            ) { client in
                let symbols = ["M", "M.f", "M.N", "E", "E_ONE", "e", "S", "S.Do"]
                let requests = symbols.map { name in Request.with { $0.fileContainingSymbol = "x.v1.\(name)" } }
                let found = try await ask(client, requests)
                for response in found {
                    let names = try files(response).map(\.name)
                    #expect(names == ["x/b.proto", "x/a.proto"])
                }
                let others = try await ask(
                    client,
                    [
                        .with { $0.fileByFilename = "x/a.proto" }, .with { $0.fileByFilename = "no.proto" },
                        .with { $0.fileContainingSymbol = "x.v1alpha.S" },
                        .with {
                            $0.fileContainingExtension = .with {
                                $0.containingType = "x.v1.M"
                                $0.extensionNumber = 100
                            }
                        },
                        .with { $0.allExtensionNumbersOfType = "x.v1.M" },
                        .with { $0.allExtensionNumbersOfType = "x.v1.Nope" }, .init(),
                    ])
                let byName = try files(others[0])
                #expect(byName.map(\.name) == ["x/a.proto"])
                #expect(others[1].errorResponse.errorCode == 5)
                let alias = try files(others[2])
                #expect(alias[0].package == "x.v1alpha")
                #expect(alias[0].service[0].method[0].inputType == ".x.v1alpha.M")
                #expect(alias[0].messageType[0].field[0].typeName == ".x.v1alpha.M.N")
                let byExtension = try files(others[3])
                #expect(byExtension.map(\.name) == ["x/b.proto", "x/a.proto"])
                #expect(others[4].allExtensionNumbersResponse.extensionNumber == [100])
                #expect(others[5].errorResponse.errorCode == 5)
                #expect(others[6].errorResponse.errorCode == 3)
            }
        }
    }
}
