internal import Glibc

extension Follower {
    /// Converts at most one buffer full.
    func step(_ work: Workspace) -> Progress {
        if let failure, Workspace.now() < failure.retryAt {
            dropDeleted(work)
            return .blocked
        }
        do {
            let progress = try convertSome(work)
            succeed()
            if unsaved >= Self.checkpointBytes { checkpoint(work) }
            return progress
        } catch {
            fail(error, work)
            dropDeleted(work)
            return .blocked
        }
    }

    private func convertSome(_ work: Workspace) throws -> Progress {
        guard try openSource(), let source, let position else { return .idle }
        // Looked at before reading: Docker closes a file before it renames it, so what is read now is all of it.
        let isClosed = !successors.isEmpty
        guard let chunk = try work.read(source, at: position) else {
            restartTruncated(source, work)
            return .more
        }
        work.converter.isPassingLine = position.isPassingLine
        work.converter.notBefore = position.notBefore
        let consumed = work.converter.convert(chunk)
        if consumed > 0 {
            try commit(consumed, position, work)
            return .more
        }
        if isClosed {
            try convertOpenLine(chunk, position, work)
            moveOn()
            return .more
        }
        if try findSuccessors(work) { return .more }
        if try isDeleted(source) {
            // Read once more: all that was written before the deletion.
            guard isDeletionSeen else {
                isDeletionSeen = true
                return .more
            }
            try convertOpenLine(chunk, position, work)
            try letGo()
            return .idle
        }
        if isFinishing { try convertOpenLine(chunk, position, work) }
        // Somebody else has written to the log: nothing there is to be left out any more.
        if chunk.isEmpty { excess = 0 }
        return .idle
    }

    /// Converts what stands in a last line that will not be completed.
    private func convertOpenLine(
        _ line: UnsafeRawBufferPointer, _ position: Checkpoint.Source, _ work: Workspace
    ) throws {
        let consumed = work.converter.convertOpenLine(line)
        if consumed > 0 { try commit(consumed, position, work) }
        if consumed < line.count { work.statistics.malformedLines += 1 }
    }

    /// Writes what the converter made of the `consumed` bytes after `position`, then counts them as converted.
    private func commit(_ consumed: Int, _ position: Checkpoint.Source, _ work: Workspace) throws {
        try write(work.converter.output.bytes, work)
        self.position = work.position(after: consumed, of: position)
        work.statistics.lines += work.converter.lines
        work.statistics.malformedLines += work.converter.malformed
        unsaved += consumed
        if checkpointAt == nil { checkpointAt = Workspace.now() + Self.checkpointNanoseconds }
    }

    /// Appends `bytes` but for what the log has already. After a failure the log is as it was before.
    private func write(_ bytes: UnsafeRawBufferPointer, _ work: Workspace) throws {
        let present = min(excess, bytes.count)
        if bytes.count > present {
            size = try destination.size()
            do {
                try destination.append(UnsafeRawBufferPointer(rebasing: bytes[present...]))
            } catch {
                takeBack()
                throw error
            }
            size += bytes.count - present
            work.statistics.bytes += UInt64(bytes.count - present)
        }
        excess -= present
    }

    /// Cuts off what a failed write left; what cannot be cut is left out at the next attempt.
    private func takeBack() {
        guard let length = try? destination.size(), length > size else { return }
        do {
            try destination.truncate(to: size)
        } catch {
            excess += length - size
            size = length
        }
    }

    /// While the log cannot be written, Docker's files keep the entries; what Docker deletes is lost.
    private func dropDeleted(_ work: Workspace) {
        guard (try? findSuccessors(work)) != nil else { return }
        while let source, let position, !successors.isEmpty, let status = try? source.status(), status.st_nlink == 0 {
            work.statistics.droppedBytes += UInt64(max(0, Int(status.st_size) - position.offset))
            work.statistics.droppedLines += work.countLines(source, from: position.offset)
            forgetExcess()
            moveOn()
        }
    }
}
