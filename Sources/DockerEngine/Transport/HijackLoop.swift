internal import Linux
internal import Synchronization

/// Drives all hijacked connections on one thread through epoll.
///
/// `@unchecked Sendable`: `connections` belongs to the thread.
final class HijackLoop: @unchecked Sendable {
    private struct Inbox {
        var kicked: [HijackConnection] = []
        var stopped = false
        var lastToken: UInt64 = 0
    }

    private let poller: Poller
    private let inbox = Mutex(Inbox())
    private var connections: [UInt64: HijackConnection] = [:]

    init() throws {
        poller = try Poller()
        try Thread.start("docker-streams") { self.run() }
    }

    /// Ends the thread and with it every connection.
    func stop() {
        inbox.withLock { $0.stopped = true }
        poller.wake()
    }

    /// A number for a new connection.
    func nextToken() -> UInt64 {
        inbox.withLock { inbox in
            inbox.lastToken += 1
            return inbox.lastToken
        }
    }

    /// Has the thread look at a connection whose state has changed; false once the loop is stopped.
    @discardableResult
    func kick(_ connection: HijackConnection) -> Bool {
        let (accepted, wake) = inbox.withLock { inbox in
            if inbox.stopped { return (false, false) }
            inbox.kicked.append(connection)
            return (true, inbox.kicked.count == 1)
        }
        if wake { poller.wake() }
        return accepted
    }

    // From here on: the thread.

    private func run() {
        while true {
            let inbox = inbox.withLock { inbox in
                defer { inbox.kicked.removeAll() }
                return inbox
            }
            if inbox.stopped { return endAll(inbox.kicked) }
            for connection in inbox.kicked {
                if !connection.isDone { connections[connection.token] = connection }
                serve(connection)
            }
            // Only fails for a bad argument, which would be a bug; the loop cannot go on without it.
            guard let tokens = try? poller.wait() else { return endAll([]) }
            for token in tokens {
                if let connection = connections[token] { serve(connection) }
            }
        }
    }

    private func serve(_ connection: HijackConnection) {
        connection.serve(poller)
        if connection.isDone { connections[connection.token] = nil }
    }

    private func endAll(_ kicked: [HijackConnection]) {
        inbox.withLock { $0.stopped = true }
        for connection in kicked + Array(connections.values) {
            connection.end(DockerError(.unavailable, message: "the client was closed"))
            connection.serve(poller)
        }
        connections = [:]
    }
}
