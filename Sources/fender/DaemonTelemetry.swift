internal import BackEnd
internal import CNI
internal import CRI
internal import DockerEngine
internal import DockerLogs
internal import DockerRuntime
internal import NRI
internal import RPC
internal import Runtime
internal import Telemetry

/// The daemon's own numbers and who tells them.
struct DaemonTelemetry: Sendable {
    let registry = Registry()
    private let calls: Counter
    private let callSeconds: Histogram
    private let requests: Counter
    private let requestSeconds: Histogram
    private let plugins: Counter
    private let pluginSeconds: Histogram
    private let nriCalls: Counter
    private let nriSeconds: Histogram

    init() {
        // The names that Go's gRPC servers have, so that dashboards for them fit.
        calls = registry.counter(
            "grpc_server_handled_total", "Calls completed, by method and status.",
            labels: ["grpc_service", "grpc_method", "grpc_code"])
        callSeconds = registry.histogram(
            "grpc_server_handling_seconds", "Time from a call's arrival to its answer.",
            labels: ["grpc_service", "grpc_method"])
        requests = registry.counter(
            "fender_docker_requests_total", "Requests to Docker, by route and status; status 0 is no answer.",
            labels: ["route", "status"])
        requestSeconds = registry.histogram(
            "fender_docker_request_seconds", "Time from a request to Docker to its answer.", labels: ["route"])
        plugins = registry.counter(
            "fender_cni_plugin_runs_total", "Runs of CNI plugins.", labels: ["verb", "plugin", "outcome"])
        pluginSeconds = registry.histogram(
            "fender_cni_plugin_seconds", "Time that CNI plugins ran.", labels: ["verb", "plugin"])
        nriCalls = registry.counter(
            "fender_nri_plugin_calls_total", "Calls to NRI plugins.", labels: ["method", "outcome"])
        nriSeconds = registry.histogram(
            "fender_nri_plugin_seconds", "Time that NRI plugins took.", labels: ["method"])
        registry.read("fender_build_info", "The version that runs; always 1.", labels: ["version"]) {
            [Sample([BuildInformation.version], 1)]
        }
        registry.readProcess()
    }

    /// A CRI call has ended.
    func called(_ method: String, _ code: StatusCode, _ duration: Duration) {
        let parts = method.split(separator: "/")
        let (service, name) = parts.count == 2 ? (String(parts[0]), String(parts[1])) : ("unknown", "unknown")
        calls.add(1, service, name, "\(code)")
        callSeconds.observe(duration.inSeconds, service, name)
    }

    /// Docker has answered, or has not.
    func exchanged(_ exchange: Exchange) {
        requests.add(1, exchange.route, "\(exchange.status ?? 0)")
        requestSeconds.observe(exchange.duration.inSeconds, exchange.route)
    }

    /// A CNI plugin has ended.
    func pluginRan(_ run: PluginRun) {
        plugins.add(1, run.verb, run.plugin, run.failed ? "error" : "ok")
        pluginSeconds.observe(run.duration.inSeconds, run.verb, run.plugin)
    }

    /// An NRI plugin has answered, or has not.
    func askedPlugin(_ call: PluginCall) {
        nriCalls.add(1, call.method, call.failed ? "error" : "ok")
        nriSeconds.observe(call.duration.inSeconds, call.method)
    }

    /// Adds how many NRI plugins there are.
    func read(_ hooks: PluginHooks) {
        registry.read("fender_nri_plugins", "NRI plugins that have joined.") { Double(hooks.interface.pluginCount) }
    }

    /// Adds what the back end tells when asked.
    func read(_ runtime: DockerRuntime) {
        registry.read("fender_docker_up", "Whether Docker answers.") { runtime.isConnected ? 1 : 0 }
        registry.read("fender_reconcile_age_seconds", "Time since everything was last read from Docker.") {
            runtime.reconcileAge?.inSeconds
        }
        readLogs(runtime)
    }

    /// Adds how much there is.
    func readWorld(_ world: World) {
        registry.read("fender_sandboxes", "Pod sandboxes, by state.", labels: ["state"]) {
            let ready = world.sandboxes.filter { $0.status.state == .sandboxReady }.count
            return [
                Sample(["ready"], Double(ready)), Sample(["notready"], Double(world.sandboxes.count - ready)),
            ]
        }
        registry.read("fender_containers", "Containers, by state.", labels: ["state"]) {
            let counts = Dictionary(world.containers.map { ($0.status.state, 1.0) }, uniquingKeysWith: +)
            return [
                Sample(["created"], counts[.containerCreated] ?? 0),
                Sample(["running"], counts[.containerRunning] ?? 0),
                Sample(["exited"], counts[.containerExited] ?? 0),
                Sample(["unknown"], counts[.containerUnknown] ?? 0),
            ]
        }
        registry.read("fender_images", "Images.") { Double(world.images.count) }
    }

    private func readLogs(_ runtime: DockerRuntime) {
        registry.read("fender_logs_followed", "Containers whose log is followed.") {
            Double(runtime.logStatistics.following)
        }
        let counters: [(String, String, @Sendable (DockerRuntime) -> UInt64)] = [
            ("lines", "Entries of Docker's logs converted.", { $0.logStatistics.lines }),
            ("bytes", "Bytes written to container logs.", { $0.logStatistics.bytes }),
            ("malformed_lines", "Lines of Docker's logs left out as no entry.", { $0.logStatistics.malformedLines }),
            ("dropped_lines", "Entries lost while a log could not be written.", { $0.logStatistics.droppedLines }),
            ("dropped_bytes", "Bytes lost while a log could not be written.", { $0.logStatistics.droppedBytes }),
            ("gaps", "Places where Docker may have deleted what was unread.", { $0.logStatistics.gaps }),
            ("write_failures", "Times that writing a log began to fail.", { $0.logStatistics.writeFailures }),
        ]
        for (name, help, value) in counters {
            registry.read("fender_log_\(name)_total", help, as: .counter) { Double(value(runtime)) }
        }
    }
}
