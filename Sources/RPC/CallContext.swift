/// What is known of a call beside its request.
public struct CallContext: Sendable {
    /// The full method, "/runtime.v1.RuntimeService/Version".
    public let method: String
    /// When the caller stops waiting; nil when it set no deadline.
    public let deadline: ContinuousClock.Instant?
    /// The request's metadata in the order of arrival; names are lower case, names ending in `-bin` hold raw bytes.
    public let metadata: [(name: String, value: [UInt8])]

    /// A context, for tests of handlers.
    public init(
        method: String, deadline: ContinuousClock.Instant? = nil, metadata: [(name: String, value: [UInt8])] = []
    ) {
        self.method = method
        self.deadline = deadline
        self.metadata = metadata
    }

    /// The first value under a lower-case name, as text.
    public func metadata(_ name: String) -> String? {
        metadata.first { $0.name == name }.map { String(decoding: $0.value, as: UTF8.self) }
    }

    /// The time left until the deadline, never negative; nil without a deadline.
    public var timeLeft: Duration? {
        deadline.map { max(.zero, ContinuousClock.now.duration(to: $0)) }
    }
}
