internal import Glibc
internal import Linux
internal import Logging

/// Which log is converted into which.
struct FollowRequest: Sendable {
    var containerID: String
    /// Docker's `<id>-json.log`.
    var source: String
    /// The CRI log.
    var destination: String
}

/// What one step of a follower found.
enum Progress {
    /// There may be more to do at once.
    case more
    /// All that Docker has written is converted.
    case idle
    /// A file cannot be read or written for now.
    case blocked
}

/// The conversion of one container's log; belongs to the thread of ``LogLoop``.
///
/// Between two steps this holds: the destination ends where the conversion of everything before `position` ends, but for
/// `excess` bytes beyond.
final class Follower {
    /// A run of failures of the same log.
    struct Failure {
        var retryAt: UInt64
        var delay: UInt64
    }

    static let checkpointBytes = 4 << 20
    static let checkpointNanoseconds: UInt64 = 15_000_000_000
    static let firstDelay: UInt64 = 250_000_000
    static let longestDelay: UInt64 = 5_000_000_000

    let request: FollowRequest
    let store: CheckpointStore
    let logger: Logger

    /// The file that is being read and where in it; absent until Docker has made one.
    var source: SourceFile?
    var position: Checkpoint.Source?
    /// The time to begin after in the first file, when the log tells no more (``LineConverter/notBefore``).
    var firstNotBefore: [UInt8]?
    /// The files that Docker went on with after `source`, the oldest first.
    var successors: [SourceFile] = []

    var destination: DestinationFile
    /// The destination's length.
    var size = 0
    /// How many bytes that the next conversions yield the destination has already.
    var excess = 0
    var previous: Checkpoint.Point?

    /// Bytes of the source converted since the last checkpoint.
    var unsaved = 0
    /// When there must be a checkpoint if there is none before.
    var checkpointAt: UInt64?
    var failure: Failure?
    var hasFailedToSave = false
    /// The container has exited: an open last line will not be completed.
    var isFinishing = false
    /// The source was found deleted; see ``letGo()``.
    var isDeletionSeen = false
    /// Docker has removed the container.
    var isSourceGone = false

    /// Opens everything where the checkpoint says, or from the beginning. Throws ``LogError`` or `SystemError`.
    init(_ request: FollowRequest, store: CheckpointStore, logger: Logger, _ work: Workspace) throws {
        self.request = request
        self.store = store
        self.logger = logger
        let directory = try DestinationDirectory(of: request.destination, creating: true)
        let (file, isNew) = try Self.openOrCreate(directory)
        destination = file
        try resume(from: store.load(request.containerID), directory, isNew: isNew, work)
    }

    /// When this follower wants to be looked at though nothing happens.
    var wakeAt: UInt64? {
        guard let failure else { return checkpointAt }
        return min(failure.retryAt, checkpointAt ?? failure.retryAt)
    }

    /// The present position, with `file` as the log, which has `size` bytes.
    func point(in file: DestinationFile, of size: Int) -> Checkpoint.Point {
        Checkpoint.Point(source: position, output: Checkpoint.Output(file: file.id, size: size - excess))
    }

    var present: Checkpoint { Checkpoint(current: point(in: destination, of: size), previous: previous) }

    /// Writes the checkpoint. A failure is logged and made good by the next one.
    func save() {
        unsaved = 0
        checkpointAt = nil
        do {
            try store.save(present, request.containerID)
            hasFailedToSave = false
        } catch {
            if !hasFailedToSave { logger.warning("write checkpoint of \(request.containerID): \(error)") }
            hasFailedToSave = true
        }
    }

    /// Notes that a file could not be read or written; the first of a run is logged and counted.
    func fail(_ error: any Error, _ work: Workspace) {
        let delay = failure.map { min($0.delay * 2, Self.longestDelay) } ?? Self.firstDelay
        if failure == nil {
            work.statistics.writeFailures += 1
            logger.warning("convert log to \(request.destination): \(error); trying again")
        }
        failure = Failure(retryAt: Workspace.now() + delay, delay: delay)
    }

    /// Notes that reading and writing work.
    func succeed() {
        guard failure != nil else { return }
        failure = nil
        logger.info("convert log to \(request.destination): works again")
    }
}
