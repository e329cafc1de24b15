internal import COpenSSL
internal import NIOCore

/// The server's side of TLS on one connection. OpenSSL reads and writes memory; this carries it to the pipeline.
final class TLSHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case handshaking
        case open
        case ended
    }

    private let ssl: OpaquePointer
    /// Memory between OpenSSL and the socket; it belongs to `ssl`.
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    private var state = State.handshaking
    private var waiting: [(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)] = []

    init(_ context: TLSContext) throws {
        guard let ssl = SSL_new(context.pointer) else { throw TLSError("SSL_new") }
        guard let incoming = BIO_new(BIO_s_mem()), let outgoing = BIO_new(BIO_s_mem()) else {
            SSL_free(ssl)
            throw TLSError("BIO_new")
        }
        SSL_set_bio(ssl, incoming, outgoing)
        SSL_set_accept_state(ssl)
        (self.ssl, self.incoming, self.outgoing) = (ssl, incoming, outgoing)
    }

    deinit { SSL_free(ssl) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state != .ended else { return }
        unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
            _ = BIO_write(incoming, bytes.baseAddress, CInt(bytes.count))
        }
        if state == .handshaking { shakeHands(context) }
        readPlain(context)
        send(context)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        write(context: context, unwrapOutboundIn(data), promise)
    }

    private func write(context: ChannelHandlerContext, _ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
        switch state {
        case .handshaking: waiting.append((bytes, promise))
        case .open: seal(bytes, promise, context)
        case .ended: promise?.fail(ChannelError.ioOnClosedChannel)
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if state == .open, mode != .input {
            ERR_clear_error()
            SSL_shutdown(ssl)
            send(context)
        }
        if mode == .all { end() }
        context.close(mode: mode, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    private func shakeHands(_ context: ChannelHandlerContext) {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 {
            state = .open
            let writes = waiting
            waiting = []
            for (bytes, promise) in writes { write(context: context, bytes, promise) }
        } else if SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ {
            fail(context, "handshake")
        }
    }

    private func readPlain(_ context: ChannelHandlerContext) {
        // Whoever reads may close.
        while state == .open {
            var result: CInt = 0
            ERR_clear_error()
            var plain = context.channel.allocator.buffer(capacity: 16 << 10)
            plain.writeWithUnsafeMutableBytes(minimumWritableBytes: 16 << 10) { room in
                result = SSL_read(ssl, room.baseAddress, CInt(clamping: room.count))
                return max(0, Int(result))
            }
            if result > 0 {
                context.fireChannelRead(wrapInboundOut(plain))
                continue
            }
            switch SSL_get_error(ssl, result) {
            case SSL_ERROR_WANT_READ: return
            case SSL_ERROR_ZERO_RETURN: context.channel.close(promise: nil)
            default: fail(context, "read")
            }
            return
        }
    }

    private func seal(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext) {
        let count = CInt(clamping: bytes.readableBytes)
        if count > 0 {
            ERR_clear_error()
            guard bytes.withUnsafeReadableBytes({ SSL_write(ssl, $0.baseAddress, count) }) == count else {
                promise?.fail(TLSError("write"))
                return fail(context, "write")
            }
        }
        context.write(wrapOutboundOut(sealed(context)), promise: promise)
    }

    /// What OpenSSL has for the socket.
    private func sealed(_ context: ChannelHandlerContext) -> ByteBuffer {
        let count = BIO_ctrl_pending(outgoing)
        var bytes = context.channel.allocator.buffer(capacity: count)
        guard count > 0 else { return bytes }
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
            max(0, Int(BIO_read(outgoing, room.baseAddress, CInt(clamping: count))))
        }
        return bytes
    }

    private func send(_ context: ChannelHandlerContext) {
        let bytes = sealed(context)
        guard bytes.readableBytes > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    private func fail(_ context: ChannelHandlerContext, _ what: String) {
        let error = TLSError(what)
        // The alert that tells the client why.
        send(context)
        end()
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    private func end() {
        state = .ended
        let unsent = waiting
        waiting = []
        for (_, promise) in unsent { promise?.fail(ChannelError.ioOnClosedChannel) }
    }
}
