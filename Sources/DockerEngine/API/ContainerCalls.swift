extension Docker {
    /// An element of `GET /containers/json`.
    public struct ContainerSummary: Codable, Sendable, Hashable {
        /// The full id.
        @Defaulted public var Id: String
        /// Names with their leading `/`.
        @Defaulted public var Names: [String]
        /// The reference it was created with.
        @Defaulted public var Image: String
        /// The image's id.
        @Defaulted public var ImageID: String
        /// The command line as text.
        @Defaulted public var Command: String
        /// Seconds since the epoch.
        @Defaulted public var Created: Int64
        /// As ``ContainerState/Status``.
        @Defaulted public var State: String
        /// For people: `Up 3 minutes`, `Exited (0) 1 second ago`.
        @Defaulted public var Status: String
        /// Labels.
        @Defaulted public var Labels: [String: String]
        /// The little that a list has of ``HostConfig``, `NetworkMode` before all.
        @Defaulted public var HostConfig: HostConfig
        /// Bytes of the writable layer; only when the size was asked for.
        public var SizeRw: Int64?
        /// Bytes of all layers; only when the size was asked for.
        public var SizeRootFs: Int64?
        /// Mounts.
        @Defaulted public var Mounts: [MountPoint]

        /// Nothing set.
        public init() {}
    }

    /// The body of `POST /containers/{id}/update`; nil leaves a limit as it is.
    public struct UpdateConfig: Codable, Sendable, Hashable {
        /// Relative weight.
        public var CpuShares: Int64?
        /// Microseconds.
        public var CpuPeriod: Int64?
        /// Microseconds per period.
        public var CpuQuota: Int64?
        /// Billionths of a CPU.
        public var NanoCpus: Int64?
        /// CPUs.
        public var CpusetCpus: String?
        /// Memory nodes.
        public var CpusetMems: String?
        /// Bytes.
        public var Memory: Int64?
        /// Bytes of memory and swap together; -1: unlimited swap.
        public var MemorySwap: Int64?
        /// Bytes, soft limit.
        public var MemoryReservation: Int64?
        /// 10 to 1000.
        public var BlkioWeight: Int?
        /// Processes.
        public var PidsLimit: Int64?
        /// When Docker restarts it by itself.
        public var RestartPolicy: RestartPolicy?

        /// Nothing set.
        public init() {}
    }

    /// The answer to `POST /containers/{id}/update`.
    public struct ContainerUpdateResponse: Codable, Sendable, Hashable {
        /// What Docker ignored or adapted.
        @Defaulted public var Warnings: [String]
    }

    /// The answer to `POST /containers/{id}/wait`.
    public struct ContainerWaitResponse: Codable, Sendable, Hashable {
        /// The exit code.
        @Defaulted public var StatusCode: Int
        /// Why waiting failed.
        public var Error: ContainerWaitExitError?
    }

    /// Why waiting failed.
    public struct ContainerWaitExitError: Codable, Sendable, Hashable {
        /// Docker's words.
        @Defaulted public var Message: String
    }

    /// The answer to `GET /containers/{id}/top`.
    public struct ContainerTopResponse: Codable, Sendable, Hashable {
        /// The columns' names.
        @Defaulted public var Titles: [String]
        /// One row a process.
        @Defaulted public var Processes: [[String]]
    }

    /// What `POST /containers/{id}/wait` waits for.
    public enum WaitCondition: String, Sendable {
        /// Answers at once when it is not running.
        case notRunning = "not-running"
        /// The next exit, even when it is not running now.
        case nextExit = "next-exit"
        /// The container is gone.
        case removed
    }

    /// The body of `POST /containers/{id}/exec`; nil fields are not sent.
    public struct ExecConfig: Codable, Sendable, Hashable {
        /// `user[:group]`.
        public var User: String?
        /// All capabilities.
        public var Privileged: Bool?
        /// Give the process a terminal.
        public var Tty: Bool?
        /// Attach its standard input.
        public var AttachStdin: Bool?
        /// Attach its standard output.
        public var AttachStdout: Bool?
        /// Attach its standard error.
        public var AttachStderr: Bool?
        /// What, typed at a terminal, ends the attachment: `ctrl-x` or characters, separated by commas. Docker's default
        /// is `ctrl-p,ctrl-q`, and none is not to be had.
        public var DetachKeys: String?
        /// Additional `NAME=value`.
        public var Env: [String]?
        /// The working directory.
        public var WorkingDir: String?
        /// The command and its arguments.
        public var Cmd: [String]?

        /// A command that attaches to nothing.
        public init(Cmd: [String]) {
            self.Cmd = Cmd
        }
    }

    /// `GET /exec/{id}/json`.
    public struct ExecInspectResponse: Codable, Sendable, Hashable {
        /// The exec's id.
        @Defaulted public var ID: String
        /// The container's id.
        @Defaulted public var ContainerID: String
        /// Still running.
        @Defaulted public var Running: Bool
        /// Nil while it runs.
        public var ExitCode: Int?
        /// In the host's pid namespace; 0 before the start.
        @Defaulted public var Pid: Int
    }
}
