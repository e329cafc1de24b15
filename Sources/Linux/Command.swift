/// A program to run to its end: input in, output out, killed with its process group when its time is over.
public struct Command: Sendable {
    /// The program's path; PATH is not searched.
    public var path: String
    /// Its arguments after `argv[0]`, which is the path.
    public var arguments: [String] = []
    /// Its whole environment, `NAME=value` each.
    public var environment: [String] = []
    /// What it reads from standard input.
    public var input: [UInt8] = []
    /// When it is killed; nil never.
    public var deadline: ContinuousClock.Instant?
    /// How many bytes of standard output are taken; more kills it. Of standard error the last bytes are kept.
    public var outputLimit = 4 << 20
    /// Whether standard output is read and dropped.
    public var dropsOutput = false
    /// A file that the program and its children hold open as descriptor 3; its last close tells that all have ended.
    public var heir: Heir?

    /// A file to be inherited.
    public final class Heir: Sendable {
        let file: Descriptor

        /// Takes the file over; it is closed on our side when the last reference goes.
        public init(_ file: consuming Descriptor) { self.file = file }
    }

    /// How a program ended.
    public enum Status: Sendable, Equatable {
        /// By exit(3) with this code.
        case exited(CInt)
        /// By this signal.
        case signalled(CInt)
        /// It was killed but stays in the kernel; it is reaped when it comes out.
        case unkillable
    }

    /// Why a program was killed.
    public enum Kill: Sendable, Equatable {
        /// Its deadline passed.
        case deadline
        /// The task that ran it was cancelled.
        case cancelled
        /// It wrote more than ``Command/outputLimit``.
        case output
    }

    /// What a run came to.
    public struct Outcome: Sendable, Equatable {
        /// How the program ended.
        public var status: Status
        /// Why we killed it; nil when it ended by itself.
        public var kill: Kill?
        /// Its standard output until it ended; what descendants write later is not waited for.
        public var output: [UInt8]
        /// The end of its standard error.
        public var errors: [UInt8]
    }

    /// A command without arguments, environment or deadline.
    public init(_ path: String) {
        self.path = path
    }

    /// Runs the program. Throws SystemError when it cannot be started; a cancelled task ends it by SIGKILL.
    ///
    /// Works on a thread of its own. "Text file busy" is tried again for five seconds.
    public func run() async throws -> Outcome {
        let cancelled = try WakeEvent()
        return try await withTaskCancellationHandler {
            try await DedicatedThread.run { try CommandRun.start(self, cancelled: cancelled).finish() }
        } onCancel: {
            cancelled.set()
        }
    }
}
