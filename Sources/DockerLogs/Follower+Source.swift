internal import Glibc
internal import Linux

extension Follower {
    /// Sees that there is a file to read; begins with the oldest that Docker has. False if there is none.
    func openSource() throws -> Bool {
        if source != nil { return true }
        let files = try SourceFile.chain(request.source) { _ in false }
        guard let oldest = files.last else { return false }
        var start = Checkpoint.Source(file: oldest.id)
        start.notBefore = firstNotBefore
        firstNotBefore = nil
        source = oldest
        successors = files.dropLast().reversed()
        position = start
        save()
        return true
    }

    /// Goes on with the next of Docker's files.
    func moveOn() {
        guard !successors.isEmpty else { return }
        let next = successors.removeFirst()
        isDeletionSeen = false
        var start = Checkpoint.Source(file: next.id)
        start.notBefore = position?.notBefore
        source = next
        position = start
        save()
    }

    /// Looks whether Docker has gone on in new files, and opens them. False if it has not.
    ///
    /// Several rotations may have happened: the files between are found by their numbers.
    func findSuccessors(_ work: Workspace) throws -> Bool {
        guard let newest = successors.last ?? source else { return false }
        var status = stat()
        guard lstat(request.source, &status) == 0, FileID(status) != newest.id else { return false }
        var newer = try SourceFile.chain(request.source) { $0.id == newest.id }
        if newer.last?.id == newest.id {
            newer.removeLast()
        } else if !newer.isEmpty {
            work.statistics.gaps += 1
        }
        successors += newer.reversed()
        return !newer.isEmpty
    }

    /// Whether Docker has deleted the file and not gone on in another.
    func isDeleted(_ source: SourceFile) throws -> Bool {
        try source.status().st_nlink == 0 && !Files.exists(request.source)
    }

    /// Closes a deleted file; as long as it is open the kernel keeps its directory, and does not tell that it is gone.
    func letGo() throws {
        forgetExcess()
        source = nil
        position = nil
        isDeletionSeen = false
        firstNotBefore = try destination.lastTime()
        save()
        if !Files.exists(Member.directory(of: request.source)) { isSourceGone = true }
    }

    /// Starts again with a file that was truncated: by somebody, or by dockerd when it cannot rename it.
    func restartTruncated(_ source: SourceFile, _ work: Workspace) {
        work.statistics.gaps += 1
        forgetExcess()
        position = Checkpoint.Source(file: source.id)
        save()
    }

    /// Gives up the knowledge of what the log has already, for its source is gone, and leaves the log with whole lines.
    func forgetExcess() {
        guard excess > 0 else { return }
        excess = 0
        size -= (try? destination.cutTornLine()) ?? 0
    }
}

extension Workspace {
    /// How many lines end in the file after `offset`.
    func countLines(_ source: SourceFile, from offset: Int) -> UInt64 {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { buffer.deallocate() }
        var lines: UInt64 = 0
        var offset = offset
        while let count = try? source.read(into: buffer, at: offset), count > 0 {
            for byte in buffer[..<count] where byte == UInt8(ascii: "\n") { lines += 1 }
            offset += count
        }
        return lines
    }
}
