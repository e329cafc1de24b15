internal import NIOCore
internal import NIOPosix

/// Joins streams of a client to ports of a pod.
struct PortForwarder: Sendable {
    let runtime: any StreamingRuntime
    let sandboxID: String
    let group: any EventLoopGroup

    /// Carries bytes both ways until both halves have ended. Throws when the port cannot be reached.
    ///
    /// A half that ends is ended on the other side, and the other half goes on (TCP half-close).
    func join(
        port: UInt16, input: ByteQueue, write: @escaping @Sendable (ByteBuffer) async throws -> Void,
        finish: @escaping @Sendable () async throws -> Void
    ) async throws {
        let descriptor = try await runtime.connect(sandboxID: sandboxID, port: port)
        let channel = try await ClientBootstrap(group: group)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .withConnectedSocket(descriptor) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        try await channel.executeThenClose { inbound, outbound in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while let bytes = try await input.next() { try await outbound.write(bytes) }
                    outbound.finish()
                }
                group.addTask {
                    for try await bytes in inbound { try await write(bytes) }
                    try await finish()
                }
                try await group.waitForAll()
            }
            // Both halves are ended: the channel closes by itself once what is on the way has been sent, which a pod
            // that does not read may never let happen.
            try await channel.channel.closeFuture.cancellableGet()
        }
    }
}
