/// A network operation that failed: which verb, in which plugin, and why.
public struct CNIError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure.
    public struct Code: Sendable, Hashable {
        private enum Kind: Hashable {
            case plugin(Int)
            case noNetwork, invalidRequest, invalidConfiguration, pluginNotFound, badOutput, died, timedOut, io
        }
        private var kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// No usable network configuration is installed.
        public static var noNetwork: Code { Code(.noNetwork) }
        /// The request's ids, names or paths are not what CNI allows.
        public static var invalidRequest: Code { Code(.invalidRequest) }
        /// A configuration file is not what CNI allows.
        public static var invalidConfiguration: Code { Code(.invalidConfiguration) }
        /// A plugin's program is in none of the plugin directories.
        public static var pluginNotFound: Code { Code(.pluginNotFound) }
        /// A plugin answered something that is no CNI result.
        public static var badOutput: Code { Code(.badOutput) }
        /// A plugin exited with an error but without saying which, or died by a signal.
        public static var died: Code { Code(.died) }
        /// The verb's time ran out; the plugin was killed.
        public static var timedOut: Code { Code(.timedOut) }
        /// A file or a system call of ours failed.
        public static var io: Code { Code(.io) }
        /// The code of a plugin's error object (specification, "Error": 1-7, 11, 50, 51, and 100 up).
        public static func plugin(_ number: Int) -> Code { Code(.plugin(number)) }

        /// The number in a plugin's error object; nil for failures of our own.
        public var pluginNumber: Int? {
            if case .plugin(let number) = kind { number } else { nil }
        }

        /// The plugin does not know the container: there is nothing to clean up (3).
        public static var unknownContainer: Code { .plugin(3) }
        /// A transient condition: the plugin asks to be called again later (11).
        public static var tryAgainLater: Code { .plugin(11) }
        /// STATUS: the plugin cannot serve ADD (50).
        public static var notAvailable: Code { .plugin(50) }
        /// STATUS: not available, and existing pods may have limited connectivity (51).
        public static var limitedConnectivity: Code { .plugin(51) }
    }

    /// The kind of failure.
    public var code: Code
    /// `ADD`, `DEL`, …; empty outside a verb.
    public var verb: String
    /// The plugin's type; empty when no plugin is to blame.
    public var plugin: String
    /// What happened, for people.
    public var message: String
    /// The plugin's `details`, or the end of its standard error; may be empty.
    public var details: String

    /// An error.
    public init(_ code: Code, verb: String = "", plugin: String = "", message: String, details: String = "") {
        self.code = code
        self.verb = verb
        self.plugin = plugin
        self.message = message
        self.details = details
    }

    /// "verb plugin: message; details".
    public var description: String {
        let subject = ["CNI", verb, plugin].filter { !$0.isEmpty }.joined(separator: " ")
        let number = code.pluginNumber.map { " (code \($0))" } ?? ""
        return "\(subject): \(message)\(number)\(details.isEmpty ? "" : "; \(details)")"
    }
}
