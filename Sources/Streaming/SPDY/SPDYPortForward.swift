internal import NIOCore
internal import Synchronization

/// Port-forward over SPDY (`portforward.k8s.io`): a pair of streams, `error` and `data`, for each connection.
struct SPDYPortForward: Sendable {
    let session: SPDYSession
    let forwarder: PortForwarder

    /// How long the second stream of a pair may take.
    static let pairTimeout = Duration.seconds(30)

    private struct Pair {
        var error: SPDYStream?
        var data: SPDYStream?
    }

    /// Serves connections until the client's connection ends.
    func run() async {
        await withDiscardingTaskGroup { group in
            var pairs: [String: Pair] = [:]
            for await stream in session.opened {
                let isError = stream.headers["streamtype"] == "error"
                guard isError || stream.headers["streamtype"] == "data", let port = Self.port(of: stream) else {
                    try? await stream.reset(SPDYFrame.Status.refused)
                    continue
                }
                // Clients before Kubernetes 1.3 name no request: the error stream precedes the data stream.
                let id = stream.headers["requestid"] ?? "\(isError ? stream.id : stream.id &- 2)"
                if isError {
                    pairs[id, default: Pair()].error = stream
                } else {
                    pairs[id, default: Pair()].data = stream
                }
                if let pair = pairs[id], let error = pair.error, let data = pair.data {
                    pairs[id] = nil
                    group.addTask { await self.serve(port, error: error, data: data) }
                } else if pairs.count > SPDYSession.streamLimit {
                    break
                }
            }
            group.cancelAll()
        }
    }

    private static func port(of stream: SPDYStream) -> UInt16? {
        stream.headers["port"].flatMap { UInt16($0) }.flatMap { $0 == 0 ? nil : $0 }
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
