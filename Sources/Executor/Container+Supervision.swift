internal import Glibc
public import Linux
internal import OCI

extension Container {
    /// What has become of a container with a supervisor.
    public enum Supervision: Sendable, Equatable {
        /// The supervisor is there: the process waits or runs, or its last output is being written.
        case supervised
        /// The process has ended, and its log is complete.
        case ended(ExitRecord)
        /// The supervisor died without a record, and the process with it or left alone; `delete` removes what is left.
        case lost
    }

    /// Whether it was made by ``ContainerStore/supervise(_:_:)``, and got as far as having a supervisor.
    public var isSupervised: Bool { record.supervisor != nil }
    /// Of the supervisor; 0 when there is none any more.
    public var supervisorPID: Int32 { record.supervisor.flatMap { $0.isAlive ? $0.pid : nil } ?? 0 }

    var exitFile: String { record.exitFile ?? "\(directory)/exit.json" }
    var startFile: String { "\(directory)/started" }
    var socketPath: String { "\(directory)/socket" }

    /// What is known now.
    public func supervision() -> Supervision {
        if let end = exitRecord() { return .ended(end) }
        if record.supervisor?.isAlive == true { return .supervised }
        // It may have written the record meanwhile, as the last thing it did.
        return exitRecord().map { .ended($0) } ?? .lost
    }

    /// The record of the end; nil while there is none.
    public func exitRecord() -> ExitRecord? {
        guard let bytes = try? Files.read(exitFile) else { return nil }
        return try? ExitRecord(parsing: bytes, startedAt: startTime())
    }

    /// Readable, for poll(2) and its like, once the supervisor has ended: the record is written then and the log
    /// complete, or neither will ever be. Nil when it has ended already.
    public func supervisorDescriptor() -> Descriptor? { record.supervisor?.open() }

    /// Waits until the supervisor has ended, at most so long; false when it goes on. Blocks the thread.
    public func waitForSupervisor(milliseconds: Int32) -> Bool {
        record.supervisor?.waitForEnd(milliseconds: milliseconds) ?? true
    }

    /// When the process was started, in nanoseconds since 1970; 0 before.
    public func startTime() -> Int64 { (try? Files.text(startFile)).flatMap { Int64($0) } ?? 0 }

    func noteStart() throws {
        guard isSupervised else { return }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let nanoseconds = Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
        try VolatileFile.replace(startFile, with: Array(String(nanoseconds).utf8))
    }

    /// Waits for the supervisor of a process that has ended; one that does not come to its end is killed.
    func endSupervisor() {
        guard let supervisor = record.supervisor, !supervisor.waitForEnd(milliseconds: 10_000) else { return }
        _ = try? supervisor.send(SIGKILL)
        _ = supervisor.waitForEnd(milliseconds: 10_000)
    }
}

extension ExitRecord {
    init(parsing bytes: [UInt8], startedAt: Int64) throws {
        let field = Field(try JSON(parsing: bytes))
        guard let code: Int32 = try field["code"].integer(), let end: Int64 = try field["finishedAt"].integer() else {
            throw field.error("is no exit record")
        }
        self.init(
            code: code, signal: try field["signal"].integer() ?? 0, startedAt: startedAt, finishedAt: end,
            oomKills: try field["oomKills"].integer() ?? 0, droppedLines: try field["droppedLines"].integer() ?? 0,
            droppedBytes: try field["droppedBytes"].integer() ?? 0)
    }
}
