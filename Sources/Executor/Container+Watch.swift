internal import Linux

extension Container {
    /// Waits until the first process has ended; at once when it has.
    public func processEnd(_ loop: ReadinessLoop) async throws {
        guard let process = record.process?.open() else { return }
        try await loop.ready([ReadinessLoop.End(process)], for: .readable)
    }

    /// Waits until the supervisor has ended: the record of the end is written then and the log complete, or neither
    /// will ever be.
    public func supervisorEnd(_ loop: ReadinessLoop) async throws {
        guard let supervisor = supervisorDescriptor() else { return }
        try await loop.ready([ReadinessLoop.End(supervisor)], for: .readable)
    }
}
