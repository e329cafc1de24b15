internal import NIOCore
internal import Synchronization

/// Port-forward over SPDY (`portforward.k8s.io`): a pair of streams, `error` and `data`, for each connection.
struct SPDYPortForward: Sendable {
    let session: SPDYSession
    let forwarder: PortForwarder
    /// How long the second stream of a pair may take.
    let pairTimeout: Duration

    /// Serves connections until the client's connection ends, or too many streams wait for their other half.
    func run() async {
        let waiting = HalfPairs(timeout: pairTimeout)
        defer { waiting.cancel() }
        await withDiscardingTaskGroup { group in
            for await stream in session.opened {
                guard let half = HalfPairs.Half(stream) else {
                    try? await stream.reset(SPDYFrame.Status.refused)
                    continue
                }
                switch waiting.meet(half) {
                case .pair(let error, let data):
                    group.addTask { await self.serve(half.port, error: error, data: data) }
                case .waits: break
                case .twice: try? await stream.reset(SPDYFrame.Status.protocolError)
                case .tooMany: return group.cancelAll()
                }
            }
            group.cancelAll()
        }
    }

    private func serve(_ port: UInt16, error: SPDYStream, data: SPDYStream) async {
        do {
            try await forwarder.join(
                port: port, input: data.input, write: { try await data.write($0) }, finish: { try await data.finish() })
        } catch is CancellationError {
        } catch let failure {
            let text = "error forwarding port \(port) to pod \(forwarder.sandboxID): \(failure)"
            try? await error.write(ByteBuffer(string: text))
        }
        try? await data.finish()
        try? await error.finish()
        data.release()
        error.release()
    }
}

/// Streams whose other half has not come yet. One that waits too long is reset.
private final class HalfPairs: Sendable {
    struct Half {
        let stream: SPDYStream
        let isError: Bool
        let port: UInt16
        /// What both streams of a pair have in common.
        let pair: String

        /// Nil for a stream that belongs to no port-forward.
        init?(_ stream: SPDYStream) {
            let type = stream.headers["streamtype"]
            guard type == "error" || type == "data", let port = stream.headers["port"].flatMap({ UInt16($0) }),
                port != 0
            else { return nil }
            self.stream = stream
            self.port = port
            isError = type == "error"
            // Clients before Kubernetes 1.3 name no request: the error stream precedes the data stream.
            pair = stream.headers["requestid"] ?? "\(isError ? stream.id : stream.id &- 2)"
        }
    }

    enum Meeting {
        case pair(error: SPDYStream, data: SPDYStream)
        case waits
        case twice
        case tooMany
    }

    private struct Waiting {
        let half: Half
        let timer: Task<Void, Never>
    }

    private let timeout: Duration
    private let waiting = Mutex<[String: Waiting]>([:])

    init(timeout: Duration) { self.timeout = timeout }

    /// Puts a half to the one that waits for it, or lets it wait.
    func meet(_ half: Half) -> Meeting {
        waiting.withLock { waiting in
            if let other = waiting[half.pair] {
                guard other.half.isError != half.isError else { return .twice }
                waiting[half.pair] = nil
                other.timer.cancel()
                let (error, data) = half.isError ? (half, other.half) : (other.half, half)
                return .pair(error: error.stream, data: data.stream)
            }
            guard waiting.count < SPDYSession.streamLimit else { return .tooMany }
            waiting[half.pair] = Waiting(half: half, timer: Task { await self.expire(half) })
            return .waits
        }
    }

    /// Ends every timer.
    func cancel() {
        for entry in waiting.withLock({ $0.values.map(\.self) }) { entry.timer.cancel() }
    }

    private func expire(_ half: Half) async {
        guard (try? await Task.sleep(for: timeout)) != nil else { return }
        let isAlone = waiting.withLock { waiting in
            guard waiting[half.pair]?.half.stream === half.stream else { return false }
            waiting[half.pair] = nil
            return true
        }
        if isAlone { try? await half.stream.reset() }
    }
}
