public import Logging

extension Server {
    /// Where the server listens. Unix sockets only: there is no TLS here.
    public enum Endpoint: Sendable, Hashable {
        /// A socket at an absolute path with these permission bits and, if not nil, this group.
        ///
        /// It is made under another name and renamed into place; a stale socket is replaced, a live one is an error.
        case path(String, mode: UInt32 = 0o660, group: UInt32? = nil)
        /// A listening Unix socket inherited from systemd (`fd://`), by number; the server takes it over and closes
        /// it at the end.
        case inherited(CInt)
    }

    /// How the server runs; the defaults suit a kubelet.
    public struct Configuration: Sendable {
        /// Where to listen.
        public var endpoint: Endpoint
        /// The largest request or response in bytes; above it a call ends with ResourceExhausted.
        public var maximumMessageBytes = 16 << 20
        /// The largest header list of a request in bytes.
        public var maximumMetadataBytes = 16 << 10
        /// Connections held at once; further ones are closed as soon as they come.
        public var maximumConnections = 1024
        /// Calls in progress at once; further ones end with ResourceExhausted.
        public var maximumCalls = 4096
        /// Calls in progress at once on one connection; a client holds back further ones.
        public var maximumCallsPerConnection = 1024
        /// Threads that drive gRPC's sockets.
        public var threads = 1
        /// How long cancelled handlers may go on before ``Server/run(onListening:)`` returns without them.
        public var cancellationGrace = Duration.seconds(5)
        /// How long a server that stops serves on whoever has just connected.
        public var settlingTime = Duration.milliseconds(100)
        /// For server reflection: serialised `google.protobuf.FileDescriptorSet`s in base64, with all imports
        /// (`protoc --descriptor_set_out=FILE --include_imports`). Decoded only while a client asks.
        public var descriptors: [String] = []
        /// For server reflection: packages that are served under another name as well, new name to existing one.
        public var packageAliases: [String: String] = [:]
        /// Told once about each call when its handler has ended: full method ("unknown" for a method that does not
        /// exist), status and time taken. Runs on the call's task: it must be quick.
        public var observer: (@Sendable (_ method: String, _ code: StatusCode, _ duration: Duration) -> Void)?
        /// Where the server and the gRPC core log.
        public var logger: Logger

        /// A configuration with the defaults.
        public init(endpoint: Endpoint, logger: Logger) {
            self.endpoint = endpoint
            self.logger = logger
        }
    }
}
