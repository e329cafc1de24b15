internal import Executor
internal import Streaming

/// A command that runs in a container, its streams a client's.
struct NativeExec: StreamedProcess {
    let streams: SessionStreams

    func read() async throws -> (OutputStream, [UInt8])? {
        try await streams.read().map { ($0.isErrors ? .stderr : .stdout, $0.bytes) }
    }

    func write(_ bytes: [UInt8]) async throws { try await streams.write(bytes) }
    func closeInput() async throws { streams.closeInput() }
    func resize(width: UInt16, height: UInt16) async throws { try streams.resize(width: width, height: height) }
    func exitCode() async throws -> Int32? { try await streams.exitCode() }
    /// One that has not ended is killed, with all that it started.
    func close(clientIsGone: Bool) async { streams.kill() }
}

/// A container's own process that a client is connected to.
struct NativeAttach: StreamedProcess {
    let streams: AttachedStreams
    /// Whether the end of the client's input is one of the process's, too.
    let passesEnd: Bool

    func read() async throws -> (OutputStream, [UInt8])? {
        while true {
            switch try await streams.read() {
            case .output(let bytes): return (.stdout, bytes)
            case .errors(let bytes): return (.stderr, bytes)
            // The client was too slow: it goes on with what comes now, as a terminal's scroll buffer would.
            case .lost: continue
            case .end: return nil
            }
        }
    }

    func write(_ bytes: [UInt8]) async throws { try await streams.write(bytes) }
    /// As with Docker and containerd, a client whose input ends without ending the process's has detached.
    func closeInput() async throws {
        try await streams.closeInput()
        if !passesEnd { streams.end() }
    }

    func resize(width: UInt16, height: UInt16) async throws { try await streams.resize(width: width, height: height) }
    func exitCode() async throws -> Int32? { nil }
    func close(clientIsGone: Bool) async {}
}
