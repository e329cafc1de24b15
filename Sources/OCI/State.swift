/// The state of a container (runtime.md): what `state` prints and hooks read.
public struct State: Sendable {
    /// `status`.
    public enum Status: String, Sendable {
        case creating, created, running, stopped
        /// Not of the specification; runc's word for a frozen container.
        case paused
    }

    /// `ociVersion`.
    public var version: String
    /// `id`.
    public var id: String
    /// `status`.
    public var status: Status
    /// 0 when there is no process.
    public var pid: Int32
    /// `bundle`, absolute.
    public var bundle: String
    /// `annotations`, as the configuration has them.
    public var annotations: [(key: String, value: String)]

    /// A state.
    public init(
        version: String, id: String, status: Status, pid: Int32, bundle: String,
        annotations: [(key: String, value: String)]
    ) {
        self.version = version
        self.id = id
        self.status = status
        self.pid = pid
        self.bundle = bundle
        self.annotations = annotations
    }

    /// The state as JSON, the specification's members first and `more` behind them.
    public func json(_ more: [(String, JSON?)] = []) -> JSON {
        let notes = annotations.map { JSON.Member($0.key, .string($0.value)) }
        return .compact(
            [
                ("ociVersion", .string(version)), ("id", .string(id)), ("pid", .integer(pid)),
                ("status", .string(status.rawValue)), ("bundle", .string(bundle)),
            ] + more + [("annotations", notes.isEmpty ? nil : .object(notes))])
    }
}
