internal import Linux
public import Logging

/// What became of a request to follow a log.
public enum FollowVerdict: Sendable, Equatable {
    /// The CRI log is being written.
    case following
    /// The CRI path is a link to Docker's own file, as dockershim left it: nothing is written.
    case symlink
}

/// Follows the json-file logs of Docker's containers and writes them in CRI format.
///
/// One thread serves all containers. It waits for inotify events, reads Docker's files by inode and offset
/// across Docker's rotation, and appends `<time> <stream> <P|F> <content>\n` lines (kubelet's CRI log format).
/// Conversion is deterministic, and a checkpoint names a position in both files, so that after a kill at any
/// moment the next process goes on where the files say, with no byte lost or written twice.
public final class LogManager: Sendable {
    private let mailbox: Mailbox

    /// Starts the thread. Checkpoints are kept in `stateDirectory`, which is made (0700) if it is missing.
    ///
    /// Throws ``LogError`` with code `failed`.
    public init(stateDirectory: String, logger: Logger) throws {
        do {
            let store = try CheckpointStore(directory: stateDirectory)
            let watch = try DirectoryWatch()
            let mailbox = try Mailbox()
            try Self.startThread {
                LogLoop(mailbox: mailbox, watch: watch, store: store, logger: logger).run()
            }
            self.mailbox = mailbox
        } catch let error as SystemError {
            throw LogError(.failed, "start following logs", cause: error)
        }
    }

    deinit {
        mailbox.post(.stop(nil))
    }

    /// Begins or takes up again the conversion of `source`, Docker's `<id>-json.log`, into `destination`.
    ///
    /// The source need not exist yet. Missing parents of the destination are made (0755); the file is made 0640.
    /// For a container already followed this does nothing. Throws ``LogError``: `invalidName`,
    /// `unsafeDestination`, `failed`, `stopped`.
    @discardableResult
    public func follow(containerID: String, source: String, destination: String) async throws -> FollowVerdict {
        let request = FollowRequest(containerID: containerID, source: source, destination: destination)
        return try await withCheckedThrowingContinuation { mailbox.post(.follow(request, $0)) }
    }

    /// Waits until everything that Docker has written is in the CRI log, then lets go of both files.
    ///
    /// To be called when the container has exited. Answers whether the log is complete: false after `limit`, or at
    /// once while the CRI log cannot be written; the rest is still converted when it can be. True for a container
    /// that is not followed.
    @discardableResult
    public func finish(containerID: String, within limit: Duration = .seconds(10)) async -> Bool {
        let deadline = Workspace.now().advanced(by: limit)
        return await withCheckedContinuation { mailbox.post(.finish(containerID, deadline: deadline, $0)) }
    }

    /// Goes on in a new file at the destination's path; the kubelet has renamed the old one (ReopenContainerLog).
    ///
    /// On failure no new file is left behind and the old one is written further. Throws ``LogError``:
    /// `notFollowed`, `unsafeDestination`, `failed`, `stopped`.
    public func reopen(containerID: String) async throws {
        try await withCheckedThrowingContinuation { mailbox.post(.reopen(containerID, $0)) }
    }

    /// Begins to convert what Docker writes from now on, after the kubelet has renamed the link that was the log
    /// (``FollowVerdict/symlink``); all before is in the file that the renamed link leads to.
    ///
    /// To link again would leave the kubelet with a log that never gets smaller, which it would rotate for ever. Does
    /// nothing while the link is at its place. Throws ``LogError`` as ``follow(containerID:source:destination:)``.
    public func takeOver(containerID: String, source: String, destination: String) async throws {
        let request = FollowRequest(containerID: containerID, source: source, destination: destination)
        try await withCheckedThrowingContinuation { mailbox.post(.takeOver(request, $0)) }
    }

    /// Lets go of the files at once and deletes the checkpoint; for a container that is being removed.
    public func forget(containerID: String) async {
        await withCheckedContinuation { mailbox.post(.forget(containerID, $0)) }
    }

    /// Forgets every container, followed or known by its checkpoint only, but those named.
    public func forget(except containerIDs: Set<String>) async {
        await withCheckedContinuation { mailbox.post(.forgetExcept(containerIDs, $0)) }
    }

    /// Writes all checkpoints and ends the thread. Afterwards `follow` and `reopen` throw `stopped`.
    public func stop() async {
        await withCheckedContinuation { mailbox.post(.stop($0)) }
    }

    /// What has been done so far, up to the thread's last pass.
    public var statistics: LogStatistics { mailbox.statistics }
}
