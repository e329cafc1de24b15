internal import Glibc
internal import Linux
internal import Logging

extension LogLoop {
    func handle(_ command: Command) {
        switch command {
        case .follow(let request, let answer):
            answer.resume(with: Result { try follow(request) })
        case .finish(let id, let deadline, let answer):
            finish(id, deadline, answer)
        case .reopen(let id, let answer):
            answer.resume(with: Result { try reopen(id) })
        case .takeOver(let request, let answer):
            answer.resume(with: Result { try takeOver(request) })
        case .forget(let id, let answer):
            forget(id)
            publish()
            answer.resume()
        case .forgetExcept(let ids, let answer):
            let known = Set(members.keys).union((try? store.containerIDs()) ?? [])
            for id in known.subtracting(ids) { forget(id) }
            publish()
            answer.resume()
        case .stop(let answer):
            stop(answer)
        }
    }

    /// Writes all checkpoints, lets go of everything and refuses what is still asked.
    func stop(_ answer: CheckedContinuation<Void, Never>?) {
        for member in members.values {
            member.follower.checkpoint(work)
            member.answer(false)
        }
        members = [:]
        publish()
        mailbox.close()
        answer?.resume()
    }

    /// Lets go of a follower that is done; its checkpoint stays as long as Docker's files do.
    func end(_ member: Member) {
        if member.follower.checkpoint(work) { return wake(member) }
        let isComplete = member.follower.failure == nil
        let isGone = member.follower.isSourceGone
        remove(member)
        if isGone { removeCheckpoint(member.id) }
        publish()
        member.answer(isComplete)
    }

    private func follow(_ request: FollowRequest) throws -> FollowVerdict {
        try LogPath.check(containerID: request.containerID)
        _ = try LogPath.components(request.source)
        if members[request.containerID] != nil { return .following }
        if try isLink(request) { return .symlink }
        do {
            let directory = Member.directory(of: request.source)
            guard Files.exists(directory) else { throw SystemError(call: "stat", object: directory, code: ENOENT) }
            let member = Member(try Follower(request, store: store, logger: logger, work))
            members[request.containerID] = member
            startWatching(member)
            wake(member)
        } catch let error as SystemError {
            throw LogError(.failed, "follow log of \(request.containerID)", cause: error)
        }
        return .following
    }

    /// Whether the destination is a link to the source. A link to anything else is refused when it is opened.
    private func isLink(_ request: FollowRequest) throws -> Bool {
        do {
            let directory = try DestinationDirectory(of: request.destination, creating: true)
            guard let status = try directory.status(), status.isLink else { return false }
            return try directory.isLink(to: request.source)
        } catch let error as SystemError {
            throw LogError(.failed, "follow log of \(request.containerID)", cause: error)
        }
    }

    /// Begins to follow a log whose link somebody has renamed, with what Docker writes from now on.
    private func takeOver(_ request: FollowRequest) throws {
        try LogPath.check(containerID: request.containerID)
        _ = try LogPath.components(request.source)
        do {
            let isVacant = try DestinationDirectory(of: request.destination, creating: true).status() == nil
            if isVacant, members[request.containerID] == nil, let end = try SourceFile(path: request.source)?.end() {
                // The CRI log has no number yet; one that no file has stands for it.
                let output = Checkpoint.Output(file: FileID(device: 0, inode: 0), size: 0)
                try store.save(Checkpoint(current: .init(source: end, output: output)), request.containerID)
            }
        } catch let error as SystemError {
            throw LogError(.failed, "take over log of \(request.containerID)", cause: error)
        }
        _ = try follow(request)
    }

    private func finish(_ id: String, _ deadline: UInt64, _ answer: CheckedContinuation<Bool, Never>) {
        guard let member = members[id] else { return answer.resume(returning: true) }
        member.follower.isFinishing = true
        member.wait(until: deadline, answer)
        wake(member)
    }

    private func reopen(_ id: String) throws {
        guard let member = members[id] else {
            throw LogError(.notFollowed, "reopen log of \(id), which is not followed")
        }
        do {
            try member.follower.reopen(work)
        } catch let error as SystemError {
            throw LogError(.failed, "reopen log of \(id)", cause: error)
        }
        wake(member)
    }

    private func forget(_ id: String) {
        if let member = members[id] {
            remove(member)
            member.answer(false)
        }
        removeCheckpoint(id)
    }

    private func remove(_ member: Member) {
        members[member.id] = nil
        guard let number = member.watch else { return }
        watched[number]?.remove(member.id)
        if watched[number]?.isEmpty ?? true {
            watched[number] = nil
            watch.remove(number)
        }
    }

    private func removeCheckpoint(_ id: String) {
        do {
            try LogPath.check(containerID: id)
            try store.remove(id)
        } catch {
            logger.warning("remove checkpoint of \(id): \(error)")
        }
    }
}
