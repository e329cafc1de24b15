import CRI
import FoundationEssentials
import RPC
import Runtime
import SwiftProtobuf
import Synchronization
import Testing

@testable import CRIService

/// A back end that records what reaches it.
final class RecordingRuntime: ContainerRuntime {
    let world = World()
    let calls = Mutex<[String]>([])
    let failure: RuntimeError?

    init(failure: RuntimeError? = nil) { self.failure = failure }

    func run() async {}

    private func record(_ call: String) throws {
        calls.withLock { $0.append(call) }
        if let failure { throw failure }
    }

    func version() async throws -> VersionResponse { .with { $0.runtimeName = "recording" } }
    func status(verbose: Bool) async throws -> StatusResponse { StatusResponse() }
    func runtimeConfig() async throws -> RuntimeConfigResponse { RuntimeConfigResponse() }
    func updateRuntimeConfig(_ config: CRI.RuntimeConfig) async throws { try record("updateRuntimeConfig") }
    func runPodSandbox(_ config: PodSandboxConfig, handler: String) async throws -> String {
        try record("run \(config.metadata.name)")
        return "id"
    }
    func stopPodSandbox(_ sandbox: SandboxRecord) async throws { try record("stop \(sandbox.id)") }
    func removePodSandbox(_ sandbox: SandboxRecord) async throws { try record("remove \(sandbox.id)") }
    func info(of sandbox: SandboxRecord) async throws -> [String: String] { ["info": "{}"] }
    func createContainer(
        in sandbox: SandboxRecord, _ config: ContainerConfig, sandboxConfig: PodSandboxConfig
    ) async throws -> String {
        try record("create \(config.metadata.name)")
        return "container"
    }
    func startContainer(_ container: ContainerRecord) async throws { try record("start \(container.id)") }
    func stopContainer(_ container: ContainerRecord, timeout: Int64) async throws {
        try record("stop \(container.id) \(timeout)")
    }
    func removeContainer(_ container: ContainerRecord) async throws { try record("remove \(container.id)") }
    func updateContainerResources(_ container: ContainerRecord, _ resources: LinuxContainerResources) async throws {
        try record("update \(container.id)")
    }
    func reopenContainerLog(_ container: ContainerRecord) async throws { try record("reopen \(container.id)") }
    func execSync(
        _ container: ContainerRecord, command: [String], timeout: Int64
    ) async throws -> ExecSyncResponse {
        try record("exec \(command.joined(separator: " "))")
        return ExecSyncResponse()
    }
    func info(of container: ContainerRecord) async throws -> [String: String] { ["info": "{}"] }
    func pullImage(
        _ image: ImageSpec, auth: AuthConfig?, sandboxConfig: PodSandboxConfig?
    ) async throws -> String {
        try record("pull \(image.image)")
        return "sha256:x"
    }
    func removeImage(_ image: ImageRecord) async throws { try record("remove \(image.id)") }
    func info(of image: ImageRecord) async throws -> [String: String] { ["info": "{}"] }
    func imageFsInfo() async throws -> ImageFsInfoResponse { ImageFsInfoResponse() }
}

struct CRIServiceTests {
    let runtime: RecordingRuntime

    init() throws {
        runtime = RecordingRuntime()
        runtime.world.markKnown()
        try runtime.world.put(
            SandboxRecord(status: .with { $0.id = "pod" }), runtime.world.ticket())
        try runtime.world.put(
            ContainerRecord(status: .with { $0.id = "ctr" }, sandboxID: "pod"), runtime.world.ticket())
    }

    func call<Request: Message, Response: Message>(
        _ method: String, _ request: Request, of runtime: RecordingRuntime? = nil, package: String = "runtime.v1",
        as _: Response.Type = Response.self
    ) async throws -> Response {
        let table = CRIService(runtime: runtime ?? self.runtime).methods()
        let handler = try #require(table["/\(package).\(method)"])
        guard case .unary(let body) = handler else { throw RPCError(.internal, "not unary") }
        let context = CallContext(method: method, deadline: nil, metadata: [])
        return try Response(serializedBytes: try await body(try request.serializedBytes(), context).bytes)
    }

    @Test func everyMethodOfTheSchemaIsRoutedInBothVersions() {
        let table = CRIService(runtime: runtime).methods()
        #expect(table.count == 2 * (37 + 6))
        for path in table.keys where path.hasPrefix("/runtime.v1.") {
            #expect(table[path.replacing("/runtime.v1.", with: "/runtime.v1alpha2.")] != nil, "\(path)")
        }
    }

    @Test(arguments: ["runtime.v1", "runtime.v1alpha2"])
    func bothVersionsReachTheSameHandler(package: String) async throws {
        let response: VersionResponse = try await call(
            "RuntimeService/Version", VersionRequest(), package: package)
        #expect(response.runtimeName == "recording")
    }

    @Test(arguments: [
        "StopPodSandbox", "RemovePodSandbox",
    ])
    func endingAnUnknownSandboxIsNoError(method: String) async throws {
        let _: StopPodSandboxResponse = try await call(
            "RuntimeService/\(method)", StopPodSandboxRequest.with { $0.podSandboxID = "unknown" })
        #expect(runtime.calls.withLock { $0 }.isEmpty)
    }

    @Test func endingAnUnknownContainerIsNoError() async throws {
        let _: StopContainerResponse = try await call(
            "RuntimeService/StopContainer", StopContainerRequest.with { $0.containerID = "unknown" })
        let _: RemoveContainerResponse = try await call(
            "RuntimeService/RemoveContainer", RemoveContainerRequest.with { $0.containerID = "unknown" })
        #expect(runtime.calls.withLock { $0 }.isEmpty)
    }

    @Test(arguments: ["ContainerStatus", "StartContainer", "ReopenContainerLog"])
    func unknownContainersAreNotFound(method: String) async {
        await #expect(throws: RPCError(.notFound, "container unknown: not found")) {
            let _: ContainerStatusResponse = try await call(
                "RuntimeService/\(method)", ContainerStatusRequest.with { $0.containerID = "unknown" })
        }
    }

    @Test func anImageThatIsAbsentHasAnEmptyStatus() async throws {
        let response: ImageStatusResponse = try await call(
            "ImageService/ImageStatus", ImageStatusRequest.with { $0.image.image = "none" })
        #expect(!response.hasImage)
    }

    @Test func beforeTheEngineIsReadNothingCountsAsGone() async {
        let fresh = RecordingRuntime()
        for method in ["ListPodSandbox", "ListContainers"] {
            await #expect(throws: RPCError.self) {
                let _: ListPodSandboxResponse = try await call(
                    "RuntimeService/\(method)", ListPodSandboxRequest(), of: fresh)
            }
        }
    }

    @Test func garbageIsAnInvalidArgument() async throws {
        let table = CRIService(runtime: runtime).methods()
        for (path, handler) in table {
            guard case .unary(let body) = handler else { continue }
            do {
                _ = try await body([0xFF, 0xFF, 0xFF], CallContext(method: path, deadline: nil, metadata: []))
                Issue.record("\(path) took garbage")
            } catch let error as RPCError {
                #expect([.invalidArgument, .unimplemented].contains(error.code), "\(path): \(error)")
            }
        }
    }

    @Test(arguments: [
        (RuntimeError.Code.invalidArgument, StatusCode.invalidArgument), (.notFound, .notFound),
        (.alreadyExists, .alreadyExists), (.failedPrecondition, .failedPrecondition), (.unavailable, .unavailable),
        (.deadlineExceeded, .deadlineExceeded), (.resourceExhausted, .resourceExhausted),
        (.unimplemented, .unimplemented), (.cancelled, .cancelled), (.unknown, .unknown), (.internalError, .internal),
    ])
    func errorsKeepTheirCodeAndText(code: RuntimeError.Code, expected: StatusCode) async {
        let failing = RecordingRuntime(failure: RuntimeError(code, "RegistryUnavailable: x"))
        failing.world.markKnown()
        await #expect(throws: RPCError(expected, "RegistryUnavailable: x")) {
            let _: PullImageResponse = try await call(
                "ImageService/PullImage", PullImageRequest.with { $0.image.image = "x" }, of: failing)
        }
    }

    static let pod = PodSandboxConfig.with {
        $0.metadata.name = "p"
        $0.metadata.namespace = "n"
        $0.metadata.uid = "u"
    }

    static func broken(_ edit: (inout PodSandboxConfig) -> Void) -> PodSandboxConfig {
        var config = pod
        edit(&config)
        return config
    }

    @Test(arguments: [
        PodSandboxConfig(), broken { $0.metadata.name = "" }, broken { $0.metadata.uid = "a/b" },
        broken { $0.metadata.namespace = "a\nb" }, broken { $0.logDirectory = "relative" },
        broken { $0.logDirectory = "/a/../b" }, broken { $0.portMappings = [.with { $0.hostPort = 70000 }] },
        broken { $0.linux.securityContext.runAsGroup.value = 1 },
        broken { $0.linux.securityContext.namespaceOptions.network = .target },
        broken { $0.linux.securityContext.namespaceOptions.usernsOptions.mode = .container },
    ])
    func brokenSandboxConfigurationsAreRefused(config: PodSandboxConfig) async {
        await #expect {
            let _: RunPodSandboxResponse = try await call(
                "RuntimeService/RunPodSandbox", RunPodSandboxRequest.with { $0.config = config })
        } throws: { ($0 as? RPCError)?.code == .invalidArgument }
        #expect(runtime.calls.withLock { $0 }.isEmpty)
    }

    static func brokenContainer(_ edit: (inout ContainerConfig) -> Void) -> ContainerConfig {
        var config = ContainerConfig.with {
            $0.metadata.name = "c"
            $0.image.image = "i"
        }
        edit(&config)
        return config
    }

    @Test(arguments: [
        ContainerConfig(), brokenContainer { $0.image.image = "" }, brokenContainer { $0.logPath = "../../etc/x" },
        brokenContainer { $0.command = ["a\0b"] }, brokenContainer { $0.mounts = [CRI.Mount()] },
        brokenContainer { $0.envs = [KeyValue()] },
        brokenContainer { $0.linux.securityContext.runAsGroup.value = 1 },
        brokenContainer { $0.linux.securityContext.supplementalGroups = [-1] },
        brokenContainer {
            $0.linux.securityContext.runAsUser.value = 1
            $0.linux.securityContext.runAsUsername = "x"
        },
    ])
    func brokenContainerConfigurationsAreRefused(config: ContainerConfig) async {
        await #expect {
            let _: CreateContainerResponse = try await call(
                "RuntimeService/CreateContainer",
                CreateContainerRequest.with {
                    $0.podSandboxID = "pod"
                    $0.config = config
                    $0.sandboxConfig = Self.broken { $0.logDirectory = "/var/log/pods/x" }
                })
        } throws: { ($0 as? RPCError)?.code == .invalidArgument }
        #expect(runtime.calls.withLock { $0 }.isEmpty)
    }
}
