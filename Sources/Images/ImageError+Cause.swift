internal import Glibc
internal import ImageRoot
internal import Linux
internal import OCI

extension ImageError {
    /// What was being done, and why it failed; an error of ours keeps its code.
    init(_ action: String, _ cause: any Error) {
        self.init(Self.code(of: cause), "\(action): \(cause)")
    }

    /// Runs `body`; what it throws becomes an error of ours that tells what was being done.
    static func naming<Value: ~Copyable>(_ action: @autoclosure () -> String, _ body: () throws -> Value) throws
        -> Value
    {
        do {
            return try body()
        } catch let error as CancellationError {
            throw error
        } catch {
            throw ImageError(action(), error)
        }
    }

    /// The kind of any error that comes up in here.
    static func code(of cause: any Error) -> Code {
        switch cause {
        case let error as ImageError: error.code
        case let error as SystemError: [ENOSPC, EDQUOT].contains(error.code) ? .noSpace : .failed
        case is HTTPError: .registryUnavailable
        case is JSONError, is SpecError: .invalid
        case is CancellationError: .cancelled
        default: .failed
        }
    }
}
