internal import Glibc
internal import Linux

extension Follower {
    static func openOrCreate(_ directory: borrowing DestinationDirectory) throws -> DestinationFile {
        if let file = try directory.open(directory.name) { return file }
        if let file = try directory.create() { return file }
        throw LogError(.unsafeDestination, "open \(directory.path)/\(directory.name), which something else is making")
    }

    /// Takes up the positions of `checkpoint`; `destination` is what stands at the log's path, new or not.
    func resume(
        from checkpoint: Checkpoint?, _ directory: borrowing DestinationDirectory, _ work: Workspace
    ) throws {
        size = try destination.size()
        excess = 0
        previous = nil
        let point = try checkpoint.map { try resumeDestination($0, directory) }
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
    private func resumeDestination(
        _ checkpoint: Checkpoint, _ directory: borrowing DestinationDirectory
    ) throws -> Checkpoint.Point {
        let point = checkpoint.current
        previous = checkpoint.previous
        if destination.id == point.output.file {
            excess = size - point.output.size
            return point
        }
        if let renamed = try directory.rotated(point.output.file) {
            // The kubelet renamed it, and we went down before we went on in a new one or before we noted that. A line torn
            // by our end is cut, and begins the new file.
            _ = try renamed.cutTornLine()
            excess = try renamed.size() - point.output.size + size
            previous = point
            return point
        }
        if let previous, destination.id == previous.output.file {
            // The kubelet did not hear of our success and put the old file back over the new one.
            excess = size - previous.output.size
            self.previous = nil
            return previous
        }
        excess = 0
        return point
    }

    /// Finds the file that is to be read on, at whatever number it stands now.
    private func resumeSource(_ saved: Checkpoint.Source?, isLogOurs: Bool, _ work: Workspace) throws {
        source = nil
        successors = []
        position = nil
        if let saved {
            let files = try SourceFile.chain(request.source)
            if let index = files.firstIndex(where: { $0.holds(saved) }) {
                source = files[index]
                successors = files[..<index].reversed()
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
