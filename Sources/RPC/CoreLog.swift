internal import CGRPC
internal import Logging
internal import Synchronization

/// Sends what the gRPC core logs to a logger instead of stderr.
enum CoreLog {
    /// The core has one log function for the process, so the newest server's logger gets all of it.
    private static let logger = Mutex<Logger?>(nil)

    static func send(to logger: Logger) {
        self.logger.withLock { $0 = logger }
        gpr_set_log_function { arguments in
            guard let arguments = arguments?.pointee, let logger = CoreLog.logger.withLock({ $0 }) else { return }
            let level: Logger.Level =
                switch arguments.severity {
                case GPR_LOG_SEVERITY_ERROR: .error
                case GPR_LOG_SEVERITY_INFO: .info
                default: .debug
                }
            logger.log(level: level, "gRPC core: \(String(cString: arguments.message))")
        }
    }
}
