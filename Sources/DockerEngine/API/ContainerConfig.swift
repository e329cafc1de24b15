extension Docker {
    /// What does not depend on the host; `Config` of a container and of an image.
    ///
    /// Nil fields are not sent.
    public struct ContainerConfig: Codable, Sendable, Hashable {
        /// The hostname, at most 64 bytes.
        public var Hostname: String?
        /// The NIS domain.
        public var Domainname: String?
        /// `user[:group]`, names or ids.
        public var User: String?
        /// Attach to the standard input on start.
        public var AttachStdin: Bool?
        /// Attach to the standard output on start.
        public var AttachStdout: Bool?
        /// Attach to the standard error on start.
        public var AttachStderr: Bool?
        /// `port/protocol` to nothing.
        public var ExposedPorts: [String: EmptyObject]?
        /// Give the process a terminal.
        public var Tty: Bool?
        /// Keep the standard input open.
        public var OpenStdin: Bool?
        /// Close the standard input when the first client detaches.
        public var StdinOnce: Bool?
        /// `NAME=value`.
        public var Env: [String]?
        /// The arguments, or the command where there is no entry point.
        public var Cmd: [String]?
        /// The health check; `["NONE"]` turns the image's off.
        public var Healthcheck: HealthConfig?
        /// The image's reference or id.
        public var Image: String?
        /// Anonymous volumes by path.
        public var Volumes: [String: EmptyObject]?
        /// The working directory.
        public var WorkingDir: String?
        /// The command that `Cmd` is passed to; `[]` clears the image's.
        public var Entrypoint: [String]?
        /// No network at all; superseded by `NetworkMode`.
        public var NetworkDisabled: Bool?
        /// Labels.
        public var Labels: [String: String]?
        /// The signal that asks the process to stop.
        public var StopSignal: String?
        /// Seconds between the stop signal and SIGKILL.
        public var StopTimeout: Int?

        /// Nothing set.
        public init() {}
    }

    /// A health check.
    public struct HealthConfig: Codable, Sendable, Hashable {
        /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", command]`.
        public var Test: [String]?
        /// Nanoseconds between checks.
        public var Interval: Int64?
        /// Nanoseconds a check may take.
        public var Timeout: Int64?
        /// Failures in a row that make it unhealthy.
        public var Retries: Int?
        /// Nanoseconds of grace after the start.
        public var StartPeriod: Int64?

        /// A check by `Test` alone.
        public init(Test: [String]? = nil) {
            self.Test = Test
        }

        /// No check, whatever the image says.
        public static let none = HealthConfig(Test: ["NONE"])
    }

    /// The body of `POST /containers/create`: a ``ContainerConfig`` with what depends on the host beside it.
    public struct ContainerCreateRequest: Encodable, Sendable, Hashable {
        /// Sent as the body's own fields.
        public var config: ContainerConfig
        /// What depends on the host.
        public var HostConfig: Docker.HostConfig
        /// The networks to join; nil follows `HostConfig.NetworkMode`.
        public var NetworkingConfig: NetworkingConfig?

        /// A request to create a container.
        public init(
            config: ContainerConfig, HostConfig: Docker.HostConfig = Docker.HostConfig(),
            NetworkingConfig: Docker.NetworkingConfig? = nil
        ) {
            self.config = config
            self.HostConfig = HostConfig
            self.NetworkingConfig = NetworkingConfig
        }

        private enum CodingKeys: String, CodingKey {
            case HostConfig, NetworkingConfig
        }

        /// Encodes the configuration's fields and the two objects into one object.
        public func encode(to encoder: any Encoder) throws {
            try config.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(HostConfig, forKey: .HostConfig)
            try container.encodeIfPresent(NetworkingConfig, forKey: .NetworkingConfig)
        }
    }

    /// The networks a new container joins.
    public struct NetworkingConfig: Codable, Sendable, Hashable {
        /// By network name.
        public var EndpointsConfig: [String: EndpointSettings]?

        /// Nothing set.
        public init() {}
    }

    /// The answer to `POST /containers/create`.
    public struct ContainerCreateResponse: Codable, Sendable, Hashable {
        /// The new container's id.
        @Defaulted public var Id: String
        /// What Docker ignored or adapted.
        @Defaulted public var Warnings: [String]
    }
}
