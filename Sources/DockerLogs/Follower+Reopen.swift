internal import Glibc
internal import Linux

extension Follower {
    /// Goes on in a new file at the log's path, or in the one that is there. On failure nothing has changed.
    func reopen(_ work: Workspace) throws {
        let directory = try DestinationDirectory(of: request.destination, creating: true)
        let created = try directory.create()
        guard let next = try created ?? directory.open(directory.name) else {
            throw LogError(.failed, "open \(request.destination), which something else is making or removing")
        }
        if next.id == destination.id { return }
        do {
            if try previous != nil && destination.status().st_nlink == 0 {
                try replaceDestination(next, isNew: created != nil, directory, work)
            } else {
                try move(to: next)
            }
        } catch {
            if created != nil { directory.removeCreated() }
            throw error
        }
        // The new file may be where there is room.
        failure?.retryAt = 0
    }

    /// Notes the move in the checkpoint before anything is written, so that at every moment the files tell how far we got.
    private func move(to next: DestinationFile) throws {
        let nextSize = try next.size()
        // Only while something is left out can the last line be torn; its rest goes where the next line goes.
        let torn = excess > 0 ? try destination.cutTornLine() : 0
        excess -= torn
        size -= torn
        let old = point(in: destination, of: size)
        let new = point(in: next, of: nextSize)
        try store.save(Checkpoint(current: new, previous: old), request.containerID)
        destination = next
        size = nextSize
        previous = old
        unsaved = 0
        checkpointAt = nil
    }

    /// Goes on in `file` from where the files tell, the one written so far being deleted.
    private func replaceDestination(
        _ file: DestinationFile, isNew: Bool, _ directory: borrowing DestinationDirectory, _ work: Workspace
    ) throws {
        let checkpoint = present
        destination = file
        try resume(from: checkpoint, directory, isNew: isNew, work)
    }

    /// Writes the checkpoint, and before looks whether the log is still the file at its path; answers whether it was not.
    ///
    /// The kubelet renames the old file back, over the new one, when it does not hear that reopening succeeded. Then the
    /// old one is taken up where it was left.
    @discardableResult
    func checkpoint(_ work: Workspace) -> Bool {
        var isReplaced = false
        do {
            if previous != nil, try destination.status().st_nlink == 0 {
                let directory = try DestinationDirectory(of: request.destination, creating: false)
                if let file = try directory.open(directory.name) {
                    isReplaced = true
                    try replaceDestination(file, isNew: false, directory, work)
                }
            }
        } catch let error as SystemError where error.code == ENOENT {
            // The pod's directory is gone with the log; nobody wants more of it.
        } catch {
            fail(error, work)
        }
        save()
        return isReplaced
    }
}
