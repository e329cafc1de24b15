internal import Linux
internal import Logging
internal import Synchronization

/// The TLS context of the files as they are now: they are compared at each new connection, so that a renewed
/// certificate serves from the next one on. Files that cannot be used leave the last that could.
final class TLSCertificates: Sendable {
    private struct State {
        var context: TLSContext
        var contents: [[UInt8]]
    }

    private let files: StreamingServer.TLSFiles
    private let logger: Logger
    private let state: Mutex<State>

    /// Reads the files; blocks.
    init(_ files: StreamingServer.TLSFiles, logger: Logger) throws {
        self.files = files
        self.logger = logger
        // First what they hold, then what OpenSSL makes of them: a change between the two is seen the next time.
        let contents = try files.contents()
        state = Mutex(State(context: try TLSContext(files), contents: contents))
    }

    /// For a new connection; reads the files, and blocks.
    func current() -> TLSContext {
        let (context, known) = state.withLock { ($0.context, $0.contents) }
        let contents: [[UInt8]]
        do {
            contents = try files.contents()
            guard contents != known else { return context }
        } catch {
            logger.warning("read the streaming certificate again: \(error)")
            return context
        }
        do {
            let fresh = try TLSContext(files)
            state.withLock { $0 = State(context: fresh, contents: contents) }
            logger.notice("the streaming certificate has changed")
            return fresh
        } catch {
            // Once for each change: a half-written pair of files is followed by its other half.
            state.withLock { $0.contents = contents }
            logger.warning("read the streaming certificate again: \(error)")
            return context
        }
    }
}

extension StreamingServer.TLSFiles {
    /// What the files hold.
    fileprivate func contents() throws -> [[UInt8]] {
        try ([certificate, key] + (clientAuthorities.map { [$0] } ?? [])).map { try Files.read($0, limit: 4 << 20) }
    }
}
