internal import Glibc
internal import Linux

/// Starts the two threads of a ``DockerEngine``.
enum LoopThread {
    /// Runs `body` on a detached thread that takes no signals; `name` (at most 15 bytes) shows in ps.
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let code = pthread_create(&thread, &attributes, main, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw SystemError(call: "pthread_create", object: name, code: code)
        }
    }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
        guard let context else { return nil }
        let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
        // OpenSSL writes without MSG_NOSIGNAL: a SIGPIPE blocked here is an EPIPE there.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        try? Files.poke("/proc/thread-self/comm", start.name)
        start.body()
        return nil
    }
}
