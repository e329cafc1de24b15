/// A follower in the loop: where it is watched and who waits for it.
final class Member {
    let id: String
    let follower: Follower
    /// Where Docker's files are.
    let directory: String
    private let name: [UInt8]
    /// The inotify number of `directory`; nil while it is not watched.
    var watch: CInt?
    var isPolled = false
    /// In the line of those that have something to do.
    var isReady = false
    private var waiting: [(deadline: UInt64, answer: CheckedContinuation<Bool, Never>)] = []

    init(_ follower: Follower) {
        self.follower = follower
        id = follower.request.containerID
        let path = follower.request.source
        directory = Self.directory(of: path)
        name = Array(path.utf8.dropFirst(directory.utf8.count + 1))
    }

    static func directory(of path: String) -> String {
        String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }

    /// Whether a name in the directory is the log or one of its rotated files.
    func isSource(_ name: UnsafeRawBufferPointer) -> Bool {
        name.count >= self.name.count && name.prefix(self.name.count).elementsEqual(self.name)
    }

    /// When there is something to do though nothing happens.
    var wakeAt: UInt64? {
        var time = follower.wakeAt
        for one in waiting { time = min(time ?? one.deadline, one.deadline) }
        return time
    }

    /// Has `answer` told when all is converted, or the deadline has passed.
    func wait(until deadline: UInt64, _ answer: CheckedContinuation<Bool, Never>) {
        waiting.append((deadline, answer))
    }

    /// Tells all who wait for the log to be complete.
    func answer(_ isComplete: Bool) {
        let waiting = waiting
        self.waiting = []
        for one in waiting { one.answer.resume(returning: isComplete) }
    }

    /// Tells those whose deadline has passed.
    func expire(_ now: UInt64) {
        for one in waiting where one.deadline <= now { one.answer.resume(returning: false) }
        waiting.removeAll { $0.deadline <= now }
    }
}
