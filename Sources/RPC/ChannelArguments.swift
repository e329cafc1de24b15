internal import CGRPC
internal import Glibc

/// Settings in the core's form.
struct ChannelArguments {
    private let integers: [(name: String, value: Int)]

    init(_ integers: [(name: String, value: Int)]) {
        self.integers = integers
    }

    /// What the core's server gives to each connection.
    init(_ configuration: Server.Configuration) {
        integers = [
            (GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, configuration.maximumMessageBytes),
            (GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
            (GRPC_ARG_MAX_METADATA_SIZE, configuration.maximumMetadataBytes),
            (GRPC_ARG_MAX_CONCURRENT_STREAMS, configuration.maximumCallsPerConnection),
            // Clients that ping more often than every five minutes are no reason to hang up.
            (GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10_000),
            (GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
            // A process that is stopped, not dead, keeps its socket: five minutes of that are enough.
            (GRPC_ARG_KEEPALIVE_TIME_MS, 300_000),
            (GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20_000),
            // Nobody reads the statistics that the core would keep of each connection.
            (GRPC_ARG_ENABLE_CHANNELZ, 0),
            (GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0),
        ]
    }

    /// Lets `body` use the settings in the core's form.
    func withRaw<R>(_ body: (UnsafePointer<grpc_channel_args>) -> R) -> R {
        var arguments = integers.map { name, value in
            var argument = grpc_arg()
            argument.type = GRPC_ARG_INTEGER
            argument.key = strdup(name)
            argument.value.integer = CInt(clamping: value)
            return argument
        }
        defer { for argument in arguments { free(argument.key) } }
        let count = arguments.count
        return arguments.withUnsafeMutableBufferPointer { buffer in
            var list = grpc_channel_args(num_args: count, args: buffer.baseAddress)
            return body(&list)
        }
    }
}
