import Logging
import TOML
import Testing

@testable import Configuration

/// A value for each option that is not its default: as a flag, as TOML, and as it is shown.
private let values: [(name: String, flag: String, toml: String, shown: String)] = [
    (
        "container-runtime-endpoint", "/var/run/cri-dockerd.sock", "'unix:///var/run/cri-dockerd.sock'",
        "unix:///var/run/cri-dockerd.sock"
    ),
    ("socket-mode", "600", "'0600'", "0600"),
    ("socket-group", "123", "123", "123"),
    ("runtime", "docker", "'docker'", "docker"),
    ("registry-directory", "/etc/certs.d", "'/etc/certs.d'", "/etc/certs.d"),
    (
        "runtime-handlers", "runc=/usr/sbin/runc, crun=/usr/bin/crun", "['runc=/usr/sbin/runc', 'crun=/usr/bin/crun']",
        "runc=/usr/sbin/runc,crun=/usr/bin/crun"
    ),
    ("streaming-bind-addr", "[::1]:10010", "'[::1]:10010'", "[::1]:10010"),
    (
        "streaming-base-url", "https://proxy.example/node/", "'https://proxy.example/node'",
        "https://proxy.example/node"
    ),
    ("default-back-end", "native", "'native'", "native"),
    ("cgroup-driver", "systemd", "'systemd'", "systemd"),
    ("streaming-tls-cert", "/cert.pem", "'/cert.pem'", "/cert.pem"),
    ("streaming-tls-key", "/key.pem", "'/key.pem'", "/key.pem"),
    ("streaming-tls-client-ca", "/ca.pem", "'/ca.pem'", "/ca.pem"),
    ("streaming-idle-timeout", "0", "'0'", "0s"),
    ("streaming-creation-timeout", "1m", "'60s'", "1m"),
    ("streaming-max-connections", "5", "5", "5"),
    ("docker-endpoint", "tcp://docker.example:2376", "'tcp://docker.example:2376'", "tcp://docker.example:2376"),
    ("docker-tls-ca", "/ca.pem", "'/ca.pem'", "/ca.pem"),
    ("docker-tls-cert", "/cert.pem", "'/cert.pem'", "/cert.pem"),
    ("docker-tls-key", "/key.pem", "'/key.pem'", "/key.pem"),
    ("runtime-request-timeout", "2m0s", "'2m'", "2m"),
    ("image-pull-progress-deadline", "10m0s", "'600s'", "10m"),
    (
        "pod-infra-container-image", "registry.k8s.io/pause:3.10", "'registry.k8s.io/pause:3.10'",
        "registry.k8s.io/pause:3.10"
    ),
    ("network-plugin", "", "'none'", "none"),
    ("cni-conf-dir", "/etc/cni", "'/etc/cni'", "/etc/cni"),
    ("cni-bin-dir", "/a,/b", "['/a', '/b']", "/a,/b"),
    ("cni-cache-dir", "/var/cache/cni", "'/var/cache/cni'", "/var/cache/cni"),
    ("pod-cidr", "10.88.0.0/16,fd00::/64", "['10.88.0.0/16', 'fd00::/64']", "10.88.0.0/16,fd00::/64"),
    ("ipv6-dual-stack", "false", "false", "false"),
    ("network-plugin-mtu", "1460", "1460", "1460"),
    ("hairpin-mode", "hairpin-veth", "'hairpin-veth'", "hairpin-veth"),
    ("container-logs", "symlink", "'symlink'", "symlink"),
    ("docker-log-max-size", "10m", "10485760", "10m"),
    ("docker-log-max-file", "5", "5", "5"),
    ("runtime-cgroups", "/systemd/system.slice", "'/systemd/system.slice'", "/systemd/system.slice"),
    ("nri", "true", "true", "true"),
    ("nri-socket", "/run/nri.sock", "'/run/nri.sock'", "/run/nri.sock"),
    ("nri-disable-connections", "true", "true", "true"),
    ("nri-plugin-dir", "/plugins", "'/plugins'", "/plugins"),
    ("nri-plugin-config-dir", "/conf.d", "'/conf.d'", "/conf.d"),
    ("nri-registration-timeout", "10s", "'10s'", "10s"),
    ("nri-request-timeout", "1m", "'60s'", "1m"),
    ("root-directory", "/srv/fender", "'/srv/fender'", "/srv/fender"),
    ("state-directory", "/run/other", "'/run/other'", "/run/other"),
    ("adopt-root-directories", "/old", "['/old']", "/old"),
    ("log-level", "warn", "'warn'", "warning"),
    ("log-format", "json", "'json'", "json"),
    ("metrics-bind-addr", "127.0.0.1:9101", "'127.0.0.1:9101'", "127.0.0.1:9101"),
]

/// What must stand beside an option for the settings to make sense together.
private func companions(_ name: String) -> [String] {
    let beside = [
        "docker-tls-cert": ["--docker-tls-key=/k"], "docker-tls-key": ["--docker-tls-cert=/c"],
        "streaming-tls-cert": ["--streaming-tls-key=/k"], "streaming-tls-key": ["--streaming-tls-cert=/c"],
        "streaming-tls-client-ca": ["--streaming-tls-cert=/c", "--streaming-tls-key=/k"],
    ]
    return (name.hasPrefix("docker-tls-") ? ["--docker-endpoint=https://docker.example"] : []) + (beside[name] ?? [])
}

private func option(_ name: String) throws -> ConfigurationOption {
    try #require(ConfigurationOption.all.first { $0.name == name })
}

struct SourceTests {
    @Test func everyOptionIsTried() {
        let named = Set(values.map(\.name) + ["config"])
        #expect(Set(ConfigurationOption.all.map(\.name)) == named)
        #expect(ConfigurationOption.all.count == named.count)
    }

    @Test(arguments: values) func eachSource(
        name: String, flag: String, toml: String, shown: String
    ) throws {
        let option = try option(name)
        let key = try #require(option.key)
        #expect(option.defaultText != shown)
        let beside = companions(name)

        let apart = option.isBoolean ? ["\(option.flag)=\(flag)"] : [option.flag, flag]
        for flags in [["\(option.flag)=\(flag)"], apart] {
            let loaded = try load(beside + flags)
            #expect(option.show(loaded.values) == shown)
            #expect(loaded.origins[name] == .flag(option.flag))
        }
        let fromFile = try load(beside, file: "# first line\n\(key) = \(toml)\n")
        #expect(option.show(fromFile.values) == shown)
        #expect(fromFile.origins[name] == .file(fromFile.values.file, line: 2))

        // An empty variable is none, so that a unit may clear one.
        let variable = try load(beside, [option.environment: flag])
        #expect(option.show(variable.values) == (flag.isEmpty ? option.defaultText : shown))
    }

    @Test(arguments: values) func precedence(
        name: String, flag: String, toml: String, shown: String
    ) throws {
        let option = try option(name)
        let key = try #require(option.key)
        guard option.defaultText.isEmpty == false, name != "docker-endpoint" else { return }
        let base = option.kinds == [.boolean] || option.kinds == [.integer]
        let normal = base ? option.defaultText : "'\(option.defaultText)'"
        let other = [option.environment: flag.isEmpty ? shown : flag]

        #expect(option.show(try load([], file: "", other).values) == shown)
        #expect(option.show(try load([], file: "\(key) = \(normal)", other).values) == option.defaultText)
        let all = try load(["\(option.flag)=\(flag)"], file: "\(key) = \(normal)", other)
        #expect(option.show(all.values) == shown)
        #expect(all.origins[name] == .flag(option.flag))
    }

    @Test func eachOptionFillsItsField() throws {
        var expected = FenderConfiguration()
        expected.containerRuntimeEndpoint = .path("/var/run/cri-dockerd.sock")
        expected.socketMode = 0o600
        expected.socketGroup = 123
        expected.runtime = .docker
        expected.registryDirectory = "/etc/certs.d"
        expected.runtimeHandlers = [
            .init(name: "runc", path: "/usr/sbin/runc"), .init(name: "crun", path: "/usr/bin/crun"),
        ]
        expected.streamingBindAddress = StreamingAddress(host: "::1", port: 10010)
        expected.streamingBaseURL = "https://proxy.example/node"
        expected.streamingTLSCert = "/cert.pem"
        expected.streamingTLSKey = "/key.pem"
        expected.streamingTLSClientCA = "/ca.pem"
        expected.streamingIdleTimeout = .zero
        expected.streamingCreationTimeout = .seconds(60)
        expected.streamingMaxConnections = 5
        expected.dockerEndpoint = .tcp(host: "docker.example", port: 2376, tls: false)
        expected.dockerTLSCA = "/ca.pem"
        expected.dockerTLSCert = "/cert.pem"
        expected.dockerTLSKey = "/key.pem"
        expected.runtimeRequestTimeout = .seconds(120)
        expected.imagePullProgressDeadline = .seconds(600)
        expected.podInfraContainerImage = "registry.k8s.io/pause:3.10"
        expected.networkPlugin = .none
        expected.cniConfDirectory = "/etc/cni"
        expected.cniBinDirectories = ["/a", "/b"]
        expected.defaultBackEnd = .native
        expected.cgroupDriver = .systemd
        expected.cniCacheDirectory = "/var/cache/cni"
        expected.podCIDRs = ["10.88.0.0/16", "fd00::/64"]
        expected.ipv6DualStack = false
        expected.networkPluginMTU = 1460
        expected.hairpinMode = .hairpinVeth
        expected.containerLogs = .symlink
        expected.dockerLogMaxSize = 10 << 20
        expected.dockerLogMaxFiles = 5
        expected.runtimeCgroups = "/systemd/system.slice"
        expected.nri = true
        expected.nriSocket = "/run/nri.sock"
        expected.nriDisableConnections = true
        expected.nriPluginDirectory = "/plugins"
        expected.nriPluginConfigDirectory = "/conf.d"
        expected.nriRegistrationTimeout = .seconds(10)
        expected.nriRequestTimeout = .seconds(60)
        expected.rootDirectory = "/srv/fender"
        expected.stateDirectory = "/run/other"
        expected.adoptRootDirectories = ["/old"]
        expected.logLevel = .warning
        expected.logFormat = .json
        expected.metricsBindAddress = .tcp(StreamingAddress(host: "127.0.0.1", port: 9101))
        expected.file = "/nonexistent/config.toml"
        #expect(try load(values.map { "--\($0.name)=\($0.flag)" }).values == expected)
    }

    @Test(arguments: [
        ([], nil), (["--docker-endpoint=tcp://d"], nil),
        (["--docker-endpoint=https://d"], DockerTLS(ca: "", certificate: "", key: "")),
        (["--docker-endpoint=tcp://d", "--docker-tls-ca=/a"], DockerTLS(ca: "/a", certificate: "", key: "")),
        (
            ["--docker-endpoint=tcp://d", "--docker-tls-cert=/c", "--docker-tls-key=/k"],
            DockerTLS(ca: "", certificate: "/c", key: "/k")
        ),
    ]) func tlsTowardDocker(flags: [String], tls: DockerTLS?) throws {
        #expect(try load(flags).values.dockerTLS == tls)
    }

    @Test func theLastFlagWins() throws {
        let loaded = try load(["--root-directory=/a", "--cri-dockerd-root-directory", "/b"])
        #expect(loaded.values.rootDirectory == "/b")
    }

    @Test func theFileIsNamedByFlagThenEnvironment() throws {
        let one = try TemporaryFile("log_level = 'debug'")
        let two = try TemporaryFile("log_level = 'error'")
        let environment = ["FENDER_CONFIG": one.path]
        #expect(try load([], environment).values.logLevel == .debug)
        #expect(try load(["--config", two.path], environment).values.logLevel == .error)
        #expect(try load(["--config", two.path], environment).values.file == two.path)
    }

    @Test func aPassedSocketIsTheDefaultEndpointOnly() throws {
        #expect(try load([], socketPassed: true).values.containerRuntimeEndpoint == .inherited(nil))
        let named = try load(["--container-runtime-endpoint=/x"], socketPassed: true)
        #expect(named.values.containerRuntimeEndpoint == .path("/x"))
    }

    @Test func differencesAreNamed() throws {
        let changed = try load(["--log-level=debug", "--socket-mode=0666"])
        #expect(changed.settingsThatDiffer(from: try load()) == ["socket-mode", "log-level"])
        #expect(try load().settingsThatDiffer(from: try load()) == [])
    }
}
