internal import CLinux
internal import Glibc

/// Threads for work that blocks in the kernel, which must not run on the cooperative pool.
public enum Thread {
    /// Starts a detached thread that runs `body` and takes no signals; `name` (at most 15 bytes) shows in ps and gdb.
    ///
    /// Throws ``SystemError`` when the kernel has no thread left.
    public static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { argument in
                let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                fender_thread_name(start.name)
                var all = sigset_t()
                sigfillset(&all)
                pthread_sigmask(SIG_BLOCK, &all, nil)
                start.body()
                return nil
            }, start.toOpaque())
        if code != 0 {
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
}
