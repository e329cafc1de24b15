internal import Glibc
internal import Linux
internal import Synchronization

extension HijackConnection {
    /// What only the thread touches.
    struct Wire: ~Copyable {
        /// Nil once closed.
        var socket: Descriptor?
        var watched: Poller.Events = []
        var unsent: [UInt8] = []
        var sent = 0
        var hasEndedWriting = false

        init(socket: consuming Descriptor) {
            self.socket = consume socket
        }

        var isClosed: Bool {
            switch socket {
            case .some: false
            case .none: true
            }
        }
    }

    /// Whether the socket is closed; asked by the thread only.
    var isDone: Bool { wire.isClosed }

    /// Moves what can be moved, and watches for the rest.
    func serve(_ poller: Poller) {
        guard !wire.isClosed else { return }
        if state.withLock({ $0.failure != nil }) { return close(poller) }
        do {
            try send()
            try receive()
            let wanted = state.withLock { state -> Poller.Events in
                var wanted: Poller.Events = []
                if !state.isAtEnd && state.inbound.count < Self.capacity { wanted.insert(.readable) }
                if wire.sent < wire.unsent.count { wanted.insert(.writable) }
                return wanted
            }
            try watch(wanted, poller)
        } catch {
            end(Self.unavailable(error))
            close(poller)
        }
        if state.withLock({ $0.failure != nil }) { close(poller) }
    }

    private static func unavailable(_ error: any Error) -> any Error {
        guard let error = error as? SystemError else { return error }
        return DockerError(.unavailable, message: "the connection broke: \(error)")
    }

    private func watch(_ events: Poller.Events, _ poller: Poller) throws {
        let (old, token) = (wire.watched, token)
        try withSocket { socket in try poller.watch(socket, for: events, instead: old, token: token) }
        wire.watched = events
    }

    private func close(_ poller: Poller) {
        // Closing takes the socket out of the poller: nobody else holds it.
        wire.socket = nil
        wire.unsent = []
    }

    private func withSocket<Value>(_ body: (borrowing Descriptor) throws -> Value) throws -> Value {
        switch wire.socket {
        case .some(let socket): return try body(socket)
        case .none: throw DockerError(.unavailable, message: "the connection is closed")
        }
    }

    // Sending.

    private func send() throws {
        while try refill() {
            let (bytes, start) = (wire.unsent, wire.sent)
            let count = try withSocket { socket in
                let raw = socket.raw
                return try bytes[start...].withUnsafeBytes { part in
                    try Self.transferred {
                        try system("send") { Glibc.send(raw, part.baseAddress, part.count, CInt(MSG_NOSIGNAL)) }
                    }
                }
            }
            switch count {
            case .some(0): return turnDeaf()
            case .some(let count): wire.sent += count
            case .none: return
            }
        }
    }

    /// Takes more to send; false when there is none, or the peer listens no more.
    private func refill() throws -> Bool {
        if wire.sent < wire.unsent.count { return true }
        let (ends, waiters) = state.withLock { state in
            wire.unsent = state.isDeaf ? [] : state.outbound
            wire.sent = 0
            state.outbound = []
            state.sending = wire.unsent.count
            let writers = state.sending > Self.capacity ? [] : state.writers
            if !writers.isEmpty { state.writers = [] }
            return (state.endsWriting, writers)
        }
        for waiter in waiters { waiter.resume() }
        if !wire.unsent.isEmpty { return true }
        if ends && !wire.hasEndedWriting {
            wire.hasEndedWriting = true
            // The peer may be gone already, which reading finds out.
            try withSocket { socket in _ = shutdown(socket.raw, CInt(SHUT_WR)) }
        }
        return false
    }

    /// The count that `call` answers; nil where it would have to wait, 0 when the peer has gone.
    ///
    /// A daemon closes a stream whose process has ended even with input unread, and the kernel then reports a reset
    /// after all that came before: that is the stream's end, not a failure.
    private static func transferred(_ call: () throws -> Int) throws -> Int? {
        do {
            return try call()
        } catch let error as SystemError where error.code == EAGAIN {
            return nil
        } catch let error as SystemError where error.code == ECONNRESET || error.code == EPIPE {
            return 0
        }
    }

    /// The peer takes nothing more; what it has to say may still come.
    private func turnDeaf() {
        wire.unsent = []
        wire.sent = 0
        let writers = state.withLock { state in
            state.isDeaf = true
            state.outbound = []
            state.sending = 0
            defer { state.writers = [] }
            return state.writers
        }
        for writer in writers { writer.resume() }
    }

    // Receiving.

    private func receive() throws {
        while state.withLock({ !$0.isAtEnd && $0.inbound.count < Self.capacity && $0.failure == nil }) {
            let more = try withSocket { socket in
                let raw = socket.raw
                return try withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 1) { buffer in
                    try Self.transferred {
                        try system("recv") { recv(raw, buffer.baseAddress, buffer.count, 0) }
                    }.map { Array(buffer[..<$0]) }
                }
            }
            guard let more else { return }
            try take(more)
        }
    }

    /// Takes what came in; nothing is the end.
    private func take(_ bytes: [UInt8]) throws {
        let isOpen = state.withLock { state in
            if bytes.isEmpty { state.isAtEnd = true }
            state.inbound += bytes
            return state.isOpen
        }
        if !isOpen { return try takeHead() }
        state.withLock { $0.takeReader() }?.resume()
    }

    private func takeHead() throws {
        let (bytes, isAtEnd) = state.withLock { ($0.inbound, $0.isAtEnd) }
        guard let (head, count) = try HTTPHead.parse(bytes) else {
            guard isAtEnd else { return }
            throw DockerError(.unavailable, message: "the daemon closed the connection without an answer")
        }
        if head.status == 101 || head.status == 200 {
            let opener = state.withLock { state in
                state.drop(count)
                state.isOpen = true
                return state.takeOpener()
            }
            opener?.resume(returning: .hijacked(head))
            return
        }
        if head.status < 200 {
            return try dropInterim(count)
        }
        guard let body = try head.body(in: Array(bytes[count...]), atEnd: isAtEnd) else {
            if isAtEnd || bytes.count >= Self.capacity {
                throw DockerError(.decoding, status: head.status, message: "the answer was cut short")
            }
            return
        }
        let response = Response(status: head.status, apiVersion: head.fields["api-version"], body: body)
        state.withLock { $0.takeOpener() }?.resume(returning: .refused(response))
        end(DockerError(status: head.status, message: response.dockerMessage, call: ""))
    }

    /// Goes on after a 1xx head.
    private func dropInterim(_ count: Int) throws {
        let isLeft = state.withLock { state in
            state.drop(count)
            return !state.inbound.isEmpty || state.isAtEnd
        }
        if isLeft { try takeHead() }
    }
}
