/// A gRPC status code; the raw value is the number on the wire (grpc/doc/statuscodes.md).
public enum StatusCode: Int, Sendable, Hashable, CaseIterable {
    /// Not an error.
    case ok = 0
    /// The caller gave the call up.
    case cancelled = 1
    /// An error that has no better code.
    case unknown = 2
    /// The request is wrong whatever the state of the system.
    case invalidArgument = 3
    /// The deadline passed before the work was done.
    case deadlineExceeded = 4
    /// The object asked for does not exist.
    case notFound = 5
    /// The object to create is there already.
    case alreadyExists = 6
    /// The caller may not do this.
    case permissionDenied = 7
    /// A limit is reached: message size, calls, tokens.
    case resourceExhausted = 8
    /// The state of the object does not allow it now.
    case failedPrecondition = 9
    /// A conflict; trying the whole again may help.
    case aborted = 10
    /// Past the end of a valid range.
    case outOfRange = 11
    /// There is no such method here.
    case unimplemented = 12
    /// Something that must hold does not.
    case `internal` = 13
    /// Not reachable now; trying again may help.
    case unavailable = 14
    /// Data is lost or broken.
    case dataLoss = 15
    /// Who calls is not known.
    case unauthenticated = 16
}

extension StatusCode: CustomStringConvertible {
    /// The name as Go's gRPC prints it: "NotFound".
    public var description: String {
        switch self {
        case .ok: "OK"
        case .cancelled: "Canceled"
        case .unknown: "Unknown"
        case .invalidArgument: "InvalidArgument"
        case .deadlineExceeded: "DeadlineExceeded"
        case .notFound: "NotFound"
        case .alreadyExists: "AlreadyExists"
        case .permissionDenied: "PermissionDenied"
        case .resourceExhausted: "ResourceExhausted"
        case .failedPrecondition: "FailedPrecondition"
        case .aborted: "Aborted"
        case .outOfRange: "OutOfRange"
        case .unimplemented: "Unimplemented"
        case .internal: "Internal"
        case .unavailable: "Unavailable"
        case .dataLoss: "DataLoss"
        case .unauthenticated: "Unauthenticated"
        }
    }
}
