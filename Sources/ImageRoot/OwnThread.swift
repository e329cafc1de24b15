internal import Glibc

/// Runs what changes the calling thread for good: namespaces, working directory.
enum OwnThread {
    /// Runs `body` on a thread that ends afterwards, and waits for it.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let job = Job(body)
        var thread = pthread_t()
        let retained = Unmanaged.passRetained(job as AnyJob)
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<AnyJob>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, retained.toOpaque())
        guard code == 0 else {
            retained.release()
            throw ImageRootError(.failed, "start thread: \(String(cString: strerror(code)))")
        }
        pthread_join(thread, nil)
        return try job.result.get()
    }

    private class AnyJob {
        func run() {}
    }

    private final class Job<Value>: AnyJob {
        private let body: () throws -> Value
        var result: Result<Value, any Error> = .failure(ImageRootError(.failed, "thread did not run"))

        init(_ body: @escaping () throws -> Value) {
            self.body = body
        }

        override func run() {
            result = Result { try body() }
        }
    }
}
