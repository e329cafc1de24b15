internal import FoundationEssentials
internal import NIOCore
internal import SwiftProtobuf
internal import Synchronization

/// Why a plugin did not answer as asked.
enum PluginFailure: Error, CustomStringConvertible {
    /// The plugin said no; it goes on.
    case refused(code: Int32, message: String)
    /// It is of no use any more.
    case lost(String)

    var description: String {
        switch self {
        case .refused(_, let message): message
        case .lost(let reason): reason
        }
    }
}

/// The connection to a plugin: our calls to it, and its calls to us.
final class PluginConnection: Sendable {
    /// Serves a call of the plugin's, by method; throws ``PluginFailure``.
    typealias Server = @Sendable (_ method: String, _ payload: [UInt8]) async throws -> [UInt8]

    /// Calls of a plugin's that wait for their turn; more end the connection.
    static let callLimit = 64

    private struct State {
        var lastStream: UInt32 = 0
        var lastTheirs: UInt32 = 0
        var waiting: [UInt32: CheckedContinuation<[UInt8], any Error>] = [:]
        var end: String?
        var whenClosed: [CheckedContinuation<Void, Never>] = []
    }

    private let channel: any Channel
    private let state = Mutex(State())
    private let calls: AsyncStream<TTRPCFrame>
    private let callsIn: AsyncStream<TTRPCFrame>.Continuation

    init(channel: any Channel) {
        self.channel = channel
        (calls, callsIn) = AsyncStream.makeStream(
            of: TTRPCFrame.self, bufferingPolicy: .bufferingOldest(Self.callLimit))
    }

    /// Serves the plugin's calls, one after another, until the connection ends.
    func serve(_ server: Server) async {
        for await call in calls {
            var response = TTRPCResponse()
            do {
                let request = try TTRPCRequest(serializedBytes: call.data)
                guard request.service == "\(NRIContainer.protoPackage).Runtime" else {
                    throw PluginFailure.refused(code: 12, message: "service \(request.service)")
                }
                response.payload = .init(try await server(request.method, [UInt8](request.payload)))
            } catch {
                response.status.code = Self.code(of: error)
                response.status.message = "\(error)"
            }
            // A plugin that calls and never reads would have us keep all our answers.
            guard channel.isWritable, let bytes: [UInt8] = try? response.serializedBytes() else {
                return close("it does not read")
            }
            send(TTRPCFrame(stream: call.stream, kind: TTRPCFrame.response, data: bytes), lane: Lane.runtime)
        }
    }

    /// A gRPC status code; what is no message is an invalid argument.
    private static func code(of error: any Error) -> Int32 {
        if case PluginFailure.refused(let code, _) = error { code } else { 3 }
    }

    /// Calls the plugin. Throws ``PluginFailure``; a plugin that does not answer within `limit` is let go.
    func call<Request: Message, Reply: Message>(
        _ method: String, _ request: Request, limit: Duration, as: Reply.Type = Reply.self
    ) async throws -> Reply {
        var envelope = TTRPCRequest()
        envelope.service = "\(NRIContainer.protoPackage).Plugin"
        envelope.method = method
        envelope.timeoutNano = limit.nanoseconds
        envelope.payload = .init(try request.serializedBytes() as [UInt8])
        let data: [UInt8] = try envelope.serializedBytes()
        guard data.count <= TTRPCFrame.dataLimit else {
            throw PluginFailure.refused(code: 8, message: "\(method): \(data.count) bytes are too many")
        }
        let clock = channel.eventLoop.scheduleTask(in: .nanoseconds(limit.nanoseconds)) { [weak self] in
            self?.close("\(method): no answer within \(limit)")
        }
        defer { clock.cancel() }
        let answer = try await withCheckedThrowingContinuation { continuation in
            let stream: Result<UInt32, PluginFailure> = state.withLock { state in
                if let end = state.end { return .failure(.lost(end)) }
                state.lastStream = state.lastStream == 0 ? 1 : state.lastStream &+ 2
                state.waiting[state.lastStream] = continuation
                return .success(state.lastStream)
            }
            switch stream {
            case .success(let stream):
                send(TTRPCFrame(stream: stream, kind: TTRPCFrame.request, data: data), lane: Lane.plugin)
            case .failure(let failure): continuation.resume(throwing: failure)
            }
        }
        return try reply(to: method, answer)
    }

    private func reply<Reply: Message>(to method: String, _ data: [UInt8]) throws -> Reply {
        do {
            let response = try TTRPCResponse(serializedBytes: data)
            guard response.status.code == 0 else {
                throw PluginFailure.refused(code: response.status.code, message: response.status.message)
            }
            return try Reply(serializedBytes: [UInt8](response.payload))
        } catch let failure as PluginFailure {
            throw failure
        } catch {
            close("\(method): an answer that is no message")
            throw PluginFailure.lost("\(method): an answer that is no message")
        }
    }

    private func send(_ frame: TTRPCFrame, lane: UInt32) {
        var buffer = channel.allocator.buffer(capacity: 64 + frame.data.count)
        frame.write(to: &buffer, lane: lane)
        channel.writeAndFlush(buffer, promise: nil)
    }

    /// Takes a message of the plugin's.
    func receive(_ frame: TTRPCFrame, lane: UInt32) {
        if lane == Lane.plugin {
            guard frame.kind == TTRPCFrame.response else { return }
            // Of a call that nobody waits for any more there may still come an answer.
            state.withLock { $0.waiting.removeValue(forKey: frame.stream) }?.resume(returning: frame.data)
            return
        }
        guard frame.kind == TTRPCFrame.request else { return }
        let isInOrder = state.withLock { state in
            guard frame.stream % 2 == 1, frame.stream > state.lastTheirs else { return false }
            state.lastTheirs = frame.stream
            return true
        }
        guard isInOrder else { return close("stream \(frame.stream) is out of order") }
        if case .dropped = callsIn.yield(frame) { close("more than \(Self.callLimit) calls at once") }
    }

    /// Ends the connection; who waits for an answer gets the reason. May be repeated.
    func close(_ reason: String) {
        let (waiting, watchers) = state.withLock { state in
            if state.end == nil { state.end = reason }
            defer { (state.waiting, state.whenClosed) = ([:], []) }
            return (state.waiting, state.whenClosed)
        }
        for continuation in waiting.values { continuation.resume(throwing: PluginFailure.lost(reason)) }
        for watcher in watchers { watcher.resume() }
        callsIn.finish()
        channel.close(promise: nil)
    }

    /// Why it ended; nil while it has not.
    var end: String? { state.withLock { $0.end } }

    /// Waits until it has ended.
    func ended() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.end == nil { state.whenClosed.append(continuation) }
                return state.end != nil
            }
            if isOver { continuation.resume() }
        }
    }
}

extension NRIContainer {
    /// Where the services live.
    static let protoPackage = "nri.pkg.api.v1alpha1"
}

/// Between a channel's bytes and a ``PluginConnection``.
final class PluginHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: PluginConnection
    private var reader = FrameReader()

    init(_ connection: PluginConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        reader.take(&bytes)
        do {
            while let (lane, frame) = try reader.next() { connection.receive(frame, lane: lane) }
        } catch {
            connection.close("\(error)")
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.close("it has left")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { connection.close("\(error)") }
}
