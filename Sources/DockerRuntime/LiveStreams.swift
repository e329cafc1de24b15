internal import DockerEngine
internal import Synchronization

/// The streams that clients hold to a container and to its execs.
final class LiveStreams: Sendable {
    private let streams = Mutex<[String: [ObjectIdentifier: HijackedStream]]>([:])

    func add(_ stream: HijackedStream, of container: String) {
        streams.withLock { $0[container, default: [:]][ObjectIdentifier(stream)] = stream }
    }

    /// Closes the stream, which is known no more.
    func close(_ stream: HijackedStream, of container: String) {
        streams.withLock { streams in
            streams[container]?[ObjectIdentifier(stream)] = nil
            if streams[container]?.isEmpty == true { streams[container] = nil }
        }
        stream.close()
    }

    /// Closes all of a container's.
    func closeAll(of container: String) {
        for stream in streams.withLock({ $0.removeValue(forKey: container) ?? [:] }).values { stream.close() }
    }
}
