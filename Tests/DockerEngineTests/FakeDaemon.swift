import DockerEngine
import Foundation
import Glibc
import Synchronization

/// A Unix-socket HTTP server at the edge of the process: it records requests and answers as a test wants, byte by byte.
final class FakeDaemon: Sendable {
    fileprivate struct State {
        var requests: [String] = []
        var open = 0
        var accepted = 0
        var waiters: [(wanted: @Sendable (FakeDaemon.Counts) -> Bool, continuation: CheckedContinuation<Void, Never>)] =
            []
    }

    struct Counts: Sendable {
        var requests: Int
        var open: Int
        var accepted: Int
    }

    let path: String
    private let listener: CInt
    private let state = Mutex(State())
    private let answer: @Sendable (FakeConnection, String) -> Void

    /// Serves until it is dropped. `answer` is called for each request, on the connection's own thread, with the
    /// request line; what it does not close is kept alive.
    init(_ answer: @escaping @Sendable (FakeConnection, String) -> Void) throws {
        path = "/tmp/fender-fake-\(getpid())-\(Self.serial.wrappingAdd(1, ordering: .relaxed).newValue).sock"
        self.answer = answer
        listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(listener, 4096) == 0 else { throw POSIXError(.EADDRINUSE) }
        Thread.detachNewThread { [weak self, listener] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0, let self else { return }
                self.count {
                    $0.accepted += 1; $0.open += 1
                }
                Thread.detachNewThread { self.serve(FakeConnection(descriptor)) }
            }
        }
    }

    private static let serial = Atomic(0)

    /// An answering daemon: every ping says `apiVersion`, and `answer` answers the rest.
    static func speaking(
        _ apiVersion: String, _ answer: @escaping @Sendable (FakeConnection, String) -> Void
    ) throws -> FakeDaemon {
        try FakeDaemon { connection, line in
            guard line.contains("/_ping") else { return answer(connection, line) }
            connection.send("HTTP/1.1 200 OK\r\nApi-Version: \(apiVersion)\r\nContent-Length: 0\r\n\r\n")
        }
    }

    /// Every request but pings answered with the same bytes; `closing` ends the connection after them.
    static func saying(_ bytes: String, closing: Bool = false) throws -> FakeDaemon {
        try speaking("1.41") { connection, _ in
            connection.send(bytes)
            if closing { connection.close() }
        }
    }

    /// Nobody can connect any more; connections stay.
    func stopListening() {
        shutdown(listener, CInt(SHUT_RDWR))
        unlink(path)
    }

    deinit {
        stopListening()
        close(listener)
    }

    func client() throws -> DockerEngine {
        try DockerEngine(endpoint: DockerEndpoint(.unix(path: path)))
    }

    /// The request lines so far.
    var requests: [String] { state.withLock { $0.requests } }

    /// Returns as soon as the counts are as wanted.
    func when(_ wanted: @escaping @Sendable (Counts) -> Bool) async {
        await withCheckedContinuation { continuation in
            let now = state.withLock { state in
                if wanted(state.counts) { return true }
                state.waiters.append((wanted, continuation))
                return false
            }
            if now { continuation.resume() }
        }
    }

    private func count(_ change: (inout State) -> Void) {
        let ready = state.withLock { state in
            change(&state)
            let counts = state.counts
            let ready = state.waiters.filter { $0.wanted(counts) }
            state.waiters.removeAll { $0.wanted(counts) }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    private func serve(_ connection: FakeConnection) {
        while let line = connection.nextRequest() {
            count { $0.requests.append(line) }
            answer(connection, line)
        }
        connection.close()
        count { $0.open -= 1 }
    }
}

extension FakeDaemon.State {
    fileprivate var counts: FakeDaemon.Counts {
        FakeDaemon.Counts(requests: requests.count, open: open, accepted: accepted)
    }
}

/// The server's end of a connection; used by its own thread only.
final class FakeConnection: @unchecked Sendable {
    fileprivate var descriptor: CInt
    fileprivate var pending: [UInt8] = []
    /// The body of the request being answered.
    private(set) var body: [UInt8] = []

    init(_ descriptor: CInt) {
        self.descriptor = descriptor
    }

    func send(_ text: String) {
        send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count, descriptor >= 0 {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            sent += count
        }
    }

    /// Sends pieces one by one; the next only when the peer has taken the last from the socket.
    func send(pieces: [[UInt8]]) {
        for piece in pieces where !piece.isEmpty {
            send(piece)
            waitUntilTaken()
        }
    }

    private func waitUntilTaken() {
        var queued: CInt = 1
        while descriptor >= 0, ioctl(descriptor, UInt(TIOCOUTQ), &queued) == 0, queued > 0 { sched_yield() }
    }

    /// Sends copies of `bytes` until the peer has taken nothing for `milliseconds`; answers how many bytes it took.
    func sendUntilStalled(_ bytes: [UInt8], milliseconds: CInt) -> Int {
        var total = 0
        var offset = 0
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&entry, 1, milliseconds) > 0, entry.revents & Int16(POLLHUP | POLLERR) == 0 else { return total }
            let count = bytes[offset...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
            }
            if count < 0 { return total }
            total += count
            offset = (offset + count) % bytes.count
        }
    }

    /// Everything the peer sends until it ends its direction.
    func readAll() -> [UInt8] {
        defer { pending = [] }
        while more() {}
        return pending
    }

    /// Blocks until the peer closes.
    func waitForClose() {
        while more() { pending = [] }
    }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// The next request line, once head and body are there; nil at the end.
    func nextRequest() -> String? {
        while true {
            let text = String(decoding: pending, as: UTF8.self)
            if let end = text.range(of: "\r\n\r\n") {
                let head = text[..<end.lowerBound]
                let length =
                    head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
                    .flatMap { Int($0.split(separator: " ")[1]) } ?? 0
                let start = text[..<end.upperBound].utf8.count
                if pending.count >= start + length {
                    body = Array(pending[start..<(start + length)])
                    pending.removeFirst(start + length)
                    return String(head.split(separator: "\r\n")[0])
                }
            }
            guard more() else { return nil }
        }
    }

    fileprivate func more() -> Bool {
        guard descriptor >= 0 else { return false }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count > 0 { pending += buffer[..<count] }
        return count > 0
    }
}

extension FakeConnection {
    /// What the peer sends next; nil at the end.
    func some() -> [UInt8]? {
        defer { pending = [] }
        return !pending.isEmpty || more() ? pending : nil
    }

    /// Blocks until there is something to read, and leaves it there.
    func waitForBytes() {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        poll(&entry, 1, -1)
    }

    /// Blocks until the peer has taken something.
    func waitForRoom() {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&entry, 1, -1)
    }

    /// Blocks until the peer has closed, without reading what it sent.
    func waitForHangUp() {
        var entry = pollfd(fd: descriptor, events: 0, revents: 0)
        poll(&entry, 1, -1)
        close()
    }
}

/// Blocks a thread of a fake daemon until a test finishes the stream.
func blockUntil(_ finished: AsyncStream<Void>) {
    let semaphore = DispatchSemaphore(value: 0)
    Task {
        for await _ in finished {}
        semaphore.signal()
    }
    semaphore.wait()
}

/// Counts what a task has done so far.
final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .relaxed) }

    func add(_ number: Int) {
        count.wrappingAdd(number, ordering: .relaxed)
    }

    /// Returns when the count has stood still for a fifth of a second.
    func untilQuiet() async {
        var last = -1
        while last != value {
            last = value
            try? await Task.sleep(for: .milliseconds(200))
        }
    }
}
