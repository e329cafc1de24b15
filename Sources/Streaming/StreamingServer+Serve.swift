internal import NIOCore
internal import NIOPosix
internal import NIOWebSocket

/// An upgraded connection from its first frame to its end.
extension StreamingServer {
    func serveSPDY(_ channel: Negotiation.Bytes, _ request: StreamRequest, version: String) async throws {
        try await channel.executeThenClose { inbound, outbound in
            let session = SPDYSession { try await outbound.write($0) }
            try await Self.race(channel.channel, finish: { outbound.finish() }) {
                defer { session.end() }
                let reader = try SPDYSession.Reader(session)
                for try await bytes in inbound { try await reader.take(bytes) }
            } work: {
                try await self.work(session, request, version: version)
            }
        }
    }

    func serveWebSocket(
        _ channel: Negotiation.Frames, _ request: StreamRequest, _ subprotocol: String
    ) async throws {
        try await channel.executeThenClose { inbound, outbound in
            let socket = WebSocketConnection { try await outbound.write($0) }
            switch request {
            case .portForward(let id, let ports):
                if subprotocol == Negotiation.tunnel {
                    try await self.tunnel(channel.channel, id, socket, inbound)
                } else {
                    let forward = WebSocketPortForward(
                        socket: socket, forwarder: self.forwarder(id), ports: ports,
                        isBase64: subprotocol.contains("base64"))
                    try await Self.race(channel.channel, finish: {}) {
                        try await forward.run(inbound)
                    } work: {
                        try await channel.channel.closeFuture.cancellableGet()
                    }
                }
            case .exec, .attach:
                guard let streams = request.streams,
                    let chosen = CommandSubprotocol.choose(subprotocol.isEmpty ? [] : [subprotocol])
                else { return }
                let command = WebSocketCommand(socket, streams, chosen)
                try await Self.race(channel.channel, finish: { outbound.finish() }) {
                    try await command.receive(inbound)
                } work: {
                    try await command.open()
                    try await self.run(request, on: command)
                }
            }
        }
    }

    private func work(_ session: SPDYSession, _ request: StreamRequest, version: String) async throws {
        let streams: StreamSet
        switch request {
        case .portForward(let id, _): return await forward(session, id)
        case .exec(let exec): streams = exec.streams
        case .attach(let attach): streams = attach.streams
        }
        let command = try await Self.within(configuration.creationLimit) {
            try await SPDYCommand.accept(session, streams, version: Self.number(of: version))
        }
        try await run(request, on: command)
    }

    /// `v4.channel.k8s.io` is 4, `channel.k8s.io` is 1.
    private static func number(of version: String) -> Int {
        version.hasPrefix("v") ? version.dropFirst().first?.wholeNumberValue ?? 1 : 1
    }

    private func forward(_ session: SPDYSession, _ sandboxID: String) async {
        await SPDYPortForward(
            session: session, forwarder: forwarder(sandboxID), pairTimeout: configuration.creationLimit
        ).run()
    }

    private func forwarder(_ sandboxID: String) -> PortForwarder {
        PortForwarder(runtime: runtime, sandboxID: sandboxID, group: MultiThreadedEventLoopGroup.singleton)
    }

    /// A SPDY connection whose bytes travel in binary messages; their borders mean nothing.
    private func tunnel(
        _ channel: any Channel, _ sandboxID: String, _ socket: WebSocketConnection,
        _ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>
    ) async throws {
        let session = SPDYSession { try await socket.send($0, opcode: .binary) }
        try await Self.race(channel, finish: { channel.close(promise: nil) }) {
            defer { session.end() }
            let reader = try SPDYSession.Reader(session)
            try await socket.read(inbound) { try await reader.take($0) }
        } work: {
            await self.forward(session, sandboxID)
        }
    }

    /// Runs a command for a connected client; nothing of it stays whatever happens.
    private func run(_ request: StreamRequest, on connection: some CommandConnection) async throws {
        let process: any StreamedProcess
        do {
            process = try await self.process(for: request)
        } catch {
            try await connection.finishOutput()
            return try await connection.finish(.failed("\(error)"))
        }
        do {
            try await CommandPump(process: process, connection: connection).run()
            await process.close(clientIsGone: false)
        } catch {
            await process.close(clientIsGone: true)
            throw error
        }
    }

    /// Reads beside the work. A client that is gone ends the work; the end of the work is told to the client, which
    /// then takes what is on the way and closes. How long it may take, ``ConnectionEnd`` decides.
    ///
    /// The end of the connection is watched by itself: a reader that waits for room in a queue does not see it.
    private static func race(
        _ channel: any Channel, finish: @Sendable () -> Void, read: @escaping @Sendable () async throws -> Void,
        work: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await read()
                return false
            }
            group.addTask {
                _ = try? await channel.closeFuture.cancellableGet()
                return false
            }
            group.addTask {
                try await work()
                return true
            }
            defer { group.cancelAll() }
            guard try await group.next() == true else { return }
            finish()
            _ = try? await group.next()
        }
    }

    private static func within<Value: Sendable>(
        _ limit: Duration, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                throw SPDYError("the client did not open its streams within \(limit)")
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }
}

extension EventLoopFuture where Value: Sendable {
    /// Like `get()`, but a cancelled task stops waiting.
    func cancellableGet() async throws -> Value {
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: Value.self)
        whenComplete { result in
            continuation.yield(with: result)
            continuation.finish()
        }
        for try await value in stream { return value }
        throw CancellationError()
    }
}
