import FoundationEssentials
import Glibc
import Linux
import Logging
import NIOCore
import NIOPosix
import SwiftProtobuf
import Synchronization
import TestScratch

@testable import NRI

/// A value that several tasks change.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    func withLock<Result: Sendable>(_ body: @Sendable (inout Value) -> Result) -> Result {
        value.withLock { body(&$0) }
    }
}

extension Message {
    static func make(_ body: (inout Self) -> Void) -> Self {
        var message = Self()
        body(&message)
        return message
    }
}

/// A plugin in this process: the other end of the protocol.
final class FakePlugin: Sendable {
    /// Answers a call of ours by method; nil for never.
    typealias Answer = @Sendable (String, [UInt8]) -> (any Message)?

    /// A refusal.
    struct Refusal: Sendable {
        var code: Int32
        var message: String
    }

    let channel: any Channel
    let calls: AsyncStream<String>
    private let sayCall: AsyncStream<String>.Continuation
    private let answers: AsyncStream<TTRPCResponse>
    private let sayAnswer: AsyncStream<TTRPCResponse>.Continuation
    private let lastStream = Mutex<UInt32>(0)

    init(socket: String, refusing: @escaping @Sendable (String) -> Refusal? = { _ in nil }, _ answer: @escaping Answer)
        async throws
    {
        (calls, sayCall) = AsyncStream.makeStream(of: String.self)
        (answers, sayAnswer) = AsyncStream.makeStream(of: TTRPCResponse.self)
        let (sayCall, sayAnswer) = (sayCall, sayAnswer)
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Handler(answer: answer, refusing: refusing, call: sayCall, response: sayAnswer))
                }
            }
            .connect(unixDomainSocketPath: socket).get()
        let closed = channel.closeFuture
        closed.whenComplete { _ in
            sayCall.finish()
            sayAnswer.finish()
        }
    }

    /// Calls the runtime and waits for its answer; nil when the connection ends.
    func call(_ method: String, _ request: any Message) async throws -> TTRPCResponse? {
        let stream = lastStream.withLock { last in
            last = last == 0 ? 1 : last + 2
            return last
        }
        let envelope = TTRPCRequest.make {
            $0.service = "nri.pkg.api.v1alpha1.Runtime"
            $0.method = method
            $0.payload = .init((try? request.serializedBytes() as [UInt8]) ?? [])
        }
        var buffer = ByteBuffer()
        try TTRPCFrame(stream: stream, kind: 1, data: envelope.serializedBytes()).write(to: &buffer, lane: Lane.runtime)
        try await channel.writeAndFlush(buffer).get()
        for await answer in answers { return answer }
        return nil
    }

    func register(_ index: String, _ name: String) async throws -> TTRPCResponse? {
        try await call(
            "RegisterPlugin", NRIRegisterPluginRequest.make { ($0.pluginIdx, $0.pluginName) = (index, name) })
    }

    /// Waits for a call of this method.
    func wait(for method: String) async -> Bool {
        for await call in calls where call == method { return true }
        return false
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private var reader = FrameReader()
        private let answer: Answer
        private let refusing: @Sendable (String) -> Refusal?
        private let call: AsyncStream<String>.Continuation
        private let response: AsyncStream<TTRPCResponse>.Continuation

        init(
            answer: @escaping Answer, refusing: @escaping @Sendable (String) -> Refusal?,
            call: AsyncStream<String>.Continuation, response: AsyncStream<TTRPCResponse>.Continuation
        ) {
            (self.answer, self.refusing, self.call, self.response) = (answer, refusing, call, response)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            reader.take(&bytes)
            while let (lane, frame) = try? reader.next() {
                if lane == Lane.runtime {
                    if let message = try? TTRPCResponse(serializedBytes: frame.data) { response.yield(message) }
                    continue
                }
                guard let request = try? TTRPCRequest(serializedBytes: frame.data) else { continue }
                call.yield(request.method)
                var reply = TTRPCResponse()
                if let refusal = refusing(request.method) {
                    (reply.status.code, reply.status.message) = (refusal.code, refusal.message)
                } else {
                    guard let message = answer(request.method, [UInt8](request.payload)) else { continue }
                    reply.payload = .init((try? message.serializedBytes() as [UInt8]) ?? [])
                }
                var buffer = ByteBuffer()
                TTRPCFrame(stream: frame.stream, kind: 2, data: (try? reply.serializedBytes()) ?? [])
                    .write(to: &buffer, lane: lane)
                context.writeAndFlush(NIOAny(buffer), promise: nil)
            }
        }
    }
}

/// A runtime with made-up pods.
final class FakeRuntime: NRIRuntime {
    struct State: Sendable {
        var containers: [NRIContainer] = []
        var updates: [NRIContainerUpdate] = []
        var evictions: [String] = []
        var failing: Set<String> = []
    }
    let state = Mutex(State())

    func inventory() async -> (pods: [NRIPodSandbox], containers: [NRIContainer]) {
        ([], state.withLock { $0.containers })
    }

    func update(_ updates: [NRIContainerUpdate]) async -> [NRIContainerUpdate] {
        state.withLock { state in
            state.updates += updates
            return updates.filter { state.failing.contains($0.containerID) }
        }
    }

    func evict(_ evictions: [NRIContainerEviction]) async {
        state.withLock { $0.evictions += evictions.map(\.containerID) }
    }
}

extension FakePlugin {
    /// Sets one environment variable.
    static func setting(_ name: String) -> Answer {
        { method, _ in
            guard method == "CreateContainer" else { return NRIEmpty() }
            return NRICreateContainerResponse.make { $0.adjust.env = [.make { $0.key = name }] }
        }
    }
}

/// Runs a test with an interface that listens.
func withInterface(
    _ settings: NRISettings = NRISettings(),
    _ body: (NodeResourceInterface, FakeRuntime, String) async throws -> Void
) async throws {
    let scratch = try Scratch()
    var settings = settings
    let socket = "\(scratch.path)/nri/nri.sock"
    settings.socket = socket
    settings.configurationDirectory = "\(scratch.path)/conf"
    if settings.pluginDirectory == NRISettings().pluginDirectory { settings.pluginDirectory = "\(scratch.path)/none" }
    let runtime = FakeRuntime()
    let interface = NodeResourceInterface(settings: settings, runtime: runtime, logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await interface.run() }
        while !Files.exists(socket) { try await Task.sleep(for: .milliseconds(2)) }
        try await body(interface, runtime, socket)
        group.cancelAll()
        try await group.waitForAll()
    }
}

/// A plugin that has joined, and wants everything unless told otherwise.
func joined(
    _ interface: NodeResourceInterface, _ index: String, _ name: String, at socket: String, events: Int32 = 0,
    refusing: @escaping @Sendable (String) -> FakePlugin.Refusal? = { _ in nil },
    _ answer: @escaping FakePlugin.Answer = { _, _ in NRIEmpty() }
) async throws -> FakePlugin {
    let count = interface.pluginCount
    let plugin = try await FakePlugin(socket: socket, refusing: refusing) { method, payload in
        if method == "Configure" { return NRIConfigureResponse.make { $0.events = events } }
        return answer(method, payload)
    }
    _ = try await plugin.register(index, name)
    while interface.pluginCount == count { try await Task.sleep(for: .milliseconds(2)) }
    return plugin
}

let pod = NRIPodSandbox.make { $0.id = "pod" }
let container = NRIContainer.make { ($0.id, $0.podSandboxID) = ("c", "pod") }

/// Says nothing.
let quiet = Logger(label: "nri") { _ in SwiftLogNoOpLogHandler() }
