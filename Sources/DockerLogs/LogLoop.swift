internal import Glibc
internal import Linux
internal import Logging

/// The thread's work: waits for events and commands, and lets each follower that has something to do take its turn.
///
/// Everything here belongs to that one thread.
final class LogLoop {
    /// How long events are left to gather once some have been read: a log that is written line by line costs a
    /// read and a write this often, not for each line.
    private static let gathering: UInt64 = 20_000_000
    /// How often a log is looked at whose directory cannot be watched (fs.inotify.max_user_watches).
    private static let pollInterval: UInt64 = 1_000_000_000

    let mailbox: Mailbox
    let store: CheckpointStore
    let logger: Logger
    let watch: DirectoryWatch
    let work = Workspace()
    var members: [String: Member] = [:]
    var watched: [CInt: Set<String>] = [:]
    private var ready: [Member] = []
    private var eventsAt: UInt64 = 0
    private var pollAt: UInt64?

    init(mailbox: Mailbox, watch: DirectoryWatch, store: CheckpointStore, logger: Logger) {
        self.mailbox = mailbox
        self.watch = watch
        self.store = store
        self.logger = logger
    }

    /// Works until it is told to stop.
    func run() {
        while true {
            let hasEvents = waitForWork()
            for command in mailbox.take() {
                if case .stop(let answer) = command { return stop(answer) }
                handle(command)
            }
            if hasEvents { readEvents() }
            runTimers()
            takeTurns()
            publish()
        }
    }

    /// Puts a follower in the line of those that have something to do.
    func wake(_ member: Member) {
        guard !member.isReady else { return }
        member.isReady = true
        ready.append(member)
    }

    func publish() {
        work.statistics.following = members.count
        mailbox.statistics = work.statistics
    }

    /// Sleeps until there is something to do; answers whether there are file events to be read.
    private func waitForWork() -> Bool {
        let now = Workspace.now()
        let isGathering = now < eventsAt
        var until = nextTimer()
        if isGathering { until = min(until ?? eventsAt, eventsAt) }
        if !ready.isEmpty { until = now }
        var descriptors = [
            mailbox.waitable, pollfd(fd: watch.descriptor.raw, events: Int16(POLLIN), revents: 0),
        ]
        let timeout = until.map { CInt(clamping: ($0 - min($0, now) + 999_999) / 1_000_000) } ?? -1
        guard poll(&descriptors, isGathering ? 1 : 2, timeout) > 0 else { return false }
        if descriptors[0].revents != 0 { mailbox.silence() }
        return !isGathering && descriptors[1].revents != 0
    }

    private func nextTimer() -> UInt64? {
        var next = pollAt
        for member in members.values {
            guard let time = member.wakeAt else { continue }
            next = min(next ?? time, time)
        }
        return next
    }

    private func readEvents() {
        eventsAt = Workspace.now() + Self.gathering
        do {
            try watch.drain { event in
                if event.watch < 0 {
                    for member in members.values { wake(member) }
                    return
                }
                for id in watched[event.watch] ?? [] {
                    guard let member = members[id] else { continue }
                    if event.isGone { loseWatch(member) }
                    if event.isGone || member.isSource(event.name) { wake(member) }
                }
                if event.isGone { watched[event.watch] = nil }
            }
        } catch {
            logger.error("read file events: \(error)")
        }
    }

    private func runTimers() {
        let now = Workspace.now()
        for member in members.values {
            guard let time = member.wakeAt, time <= now else { continue }
            if let saveAt = member.follower.checkpointAt, saveAt <= now, member.follower.checkpoint(work) {
                wake(member)
            }
            if let failure = member.follower.failure, failure.retryAt <= now { wake(member) }
            member.expire(now)
        }
        guard let time = pollAt, time <= now else { return }
        pollAt = nil
        for member in members.values where member.watch == nil {
            startWatching(member)
            wake(member)
        }
    }

    /// One step for each in the line, so that one with much to do holds up nobody.
    private func takeTurns() {
        let turn = ready
        ready.removeAll(keepingCapacity: true)
        for member in turn {
            guard members[member.id] === member else { continue }
            member.isReady = false
            switch member.follower.step(work) {
            case .more: wake(member)
            case .idle: if member.follower.isFinishing || member.follower.isSourceGone { end(member) }
            case .blocked:
                publish()
                member.answer(false)
                if member.follower.isSourceGone { end(member) }
            }
        }
    }

    /// Subscribes to a follower's directory; one that cannot be watched is looked at every second.
    func startWatching(_ member: Member) {
        do {
            let number = try watch.add(member.directory)
            member.watch = number
            watched[number, default: []].insert(member.id)
        } catch let error as SystemError where error.code == ENOENT {
            member.follower.isSourceGone = true
        } catch {
            if !member.isPolled { logger.warning("watch \(member.directory): \(error); looking every second instead") }
            member.isPolled = true
            pollAt = pollAt ?? Workspace.now() + Self.pollInterval
        }
    }

    private func loseWatch(_ member: Member) {
        member.watch = nil
        member.follower.isSourceGone = true
    }
}
