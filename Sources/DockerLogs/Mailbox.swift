internal import Glibc
internal import Linux
internal import Synchronization

/// What other threads ask of the follower's thread.
enum Command: Sendable {
    case follow(FollowRequest, CheckedContinuation<FollowVerdict, any Error>)
    case finish(String, deadline: UInt64, CheckedContinuation<Bool, Never>)
    case reopen(String, CheckedContinuation<Void, any Error>)
    case takeOver(FollowRequest, CheckedContinuation<Void, any Error>)
    case forget(String, CheckedContinuation<Void, Never>)
    case forgetExcept(Set<String>, CheckedContinuation<Void, Never>)
    case stop(CheckedContinuation<Void, Never>?)

    /// Answers a command that comes when the thread has ended.
    func refuse() {
        let error = LogError(.stopped, "follow logs: stopped")
        switch self {
        case .follow(_, let answer): answer.resume(throwing: error)
        case .finish(_, _, let answer): answer.resume(returning: false)
        case .reopen(_, let answer), .takeOver(_, let answer): answer.resume(throwing: error)
        case .forget(_, let answer), .forgetExcept(_, let answer): answer.resume()
        case .stop(let answer): answer?.resume()
        }
    }
}

/// Commands on their way to the thread, and its statistics on their way back.
final class Mailbox: Sendable {
    private struct State {
        var commands: [Command] = []
        var isClosed = false
        var statistics = LogStatistics()
    }

    private let state = Mutex(State())
    private let bell: Descriptor
    private let button: Descriptor

    /// Throws `SystemError`.
    init() throws {
        var ends: [CInt] = [-1, -1]
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        try system("socketpair") { socketpair(AF_UNIX, type, 0, &ends) }
        bell = Descriptor(owning: ends[0])
        button = Descriptor(owning: ends[1])
    }

    /// What the thread waits on: readable when there are commands.
    var waitable: pollfd { pollfd(fd: bell.raw, events: Int16(POLLIN), revents: 0) }

    var statistics: LogStatistics {
        get { state.withLock { $0.statistics } }
        set { state.withLock { $0.statistics = newValue } }
    }

    func post(_ command: Command) {
        let isAccepted = state.withLock { state in
            if !state.isClosed { state.commands.append(command) }
            return !state.isClosed
        }
        if isAccepted { ring() } else { command.refuse() }
    }

    func take() -> [Command] {
        state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// Refuses what is left and all that will come.
    func close() {
        let rest = state.withLock { state in
            state.isClosed = true
            defer { state.commands = [] }
            return state.commands
        }
        for command in rest { command.refuse() }
    }

    /// Makes ``waitable`` wait again; to be called before ``take()``.
    func silence() {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            _ = read(bell.raw, buffer.baseAddress, buffer.count)
        }
    }

    /// A buffer that is full rings already.
    private func ring() {
        var byte: UInt8 = 1
        _ = write(button.raw, &byte, 1)
    }
}
