internal import Glibc
internal import Linux

extension Follower {
    /// What stands at the log's path, made if nothing does.
    static func openOrCreate(
        _ directory: borrowing DestinationDirectory
    ) throws -> (file: DestinationFile, isNew: Bool) {
        if let file = try directory.open(directory.name) { return (file, false) }
        if let file = try directory.create() { return (file, true) }
        throw LogError(.unsafeDestination, "open \(directory.path)/\(directory.name), which something else is making")
    }

    /// Takes up the positions of `checkpoint`; `destination` is what stands at the log's path.
    func resume(
        from checkpoint: Checkpoint?, _ directory: borrowing DestinationDirectory, isNew: Bool, _ work: Workspace
    ) throws {
        size = try destination.size()
        excess = 0
        previous = nil
        let point = try checkpoint.map { try resumeDestination($0, directory, isNew: isNew) }
        if excess < 0 {
            // Shorter than it was: truncated by somebody, or by a power loss.
            excess = 0
            size -= try destination.cutTornLine()
            work.statistics.gaps += 1
        }
        // Without a checkpoint all that the log holds is of unknown origin.
        try resumeSource(point?.source, isLogOurs: (point?.output.size ?? size) <= 0, work)
        save()
    }

    /// Finds the file that the checkpoint speaks of, and how much was written since; answers the point to go on from.
    ///
    /// An inode number may have come to stand for a new file, which then is shorter.
    private func resumeDestination(
        _ checkpoint: Checkpoint, _ directory: borrowing DestinationDirectory, isNew: Bool
    ) throws -> Checkpoint.Point {
        let point = checkpoint.current
        previous = checkpoint.previous
        if destination.id == point.output.file && !isNew && size >= point.output.size {
            excess = size - point.output.size
            return point
        }
        // The kubelet renamed it, and we went down before we went on in a new one or before we noted that.
        if try resume(behind: point, directory) { return point }
        guard let previous else {
            excess = destination.id == point.output.file && !isNew ? size - point.output.size : 0
            return point
        }
        // The kubelet did not hear of our success and put the old file back over the new one …
        if destination.id == previous.output.file && !isNew {
            excess = size - previous.output.size
            self.previous = nil
            return previous
        }
        // … and has renamed it again since; or somebody has deleted or cut the new one.
        return try resume(behind: previous, directory) ? previous : point
    }

    /// Looks for the log of `point` under one of the kubelet's names for rotated logs; if it is there, all that it holds and
    /// all that `destination` holds was written since.
    ///
    /// A line torn by our end is cut there, and begins the new file.
    private func resume(behind point: Checkpoint.Point, _ directory: borrowing DestinationDirectory) throws -> Bool {
        guard let renamed = try directory.rotated(point.output.file) else { return false }
        let renamedSize = try renamed.size()
        guard renamedSize >= point.output.size else { return false }
        excess = renamedSize - (try renamed.cutTornLine()) - point.output.size + size
        previous = point
        return true
    }

    /// Finds the file that is to be read on, at whatever number it stands now.
    private func resumeSource(_ saved: Checkpoint.Source?, isLogOurs: Bool, _ work: Workspace) throws {
        source = nil
        successors = []
        position = nil
        if let saved {
            let files = try SourceFile.chain(request.source) { $0.holds(saved) }
            if let last = files.last, last.holds(saved) {
                source = last
                successors = files.dropLast().reversed()
                position = saved
                return
            }
            work.statistics.gaps += 1
        } else if isLogOurs {
            return
        }
        // The place is lost: begin with the oldest file, and let the time tell what the log has already.
        excess = 0
        size -= try destination.cutTornLine()
        firstNotBefore = try destination.lastTime()
    }
}
