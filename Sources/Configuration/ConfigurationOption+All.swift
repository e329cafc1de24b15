extension ConfigurationOption {
    /// Every setting there is, in the order of the documentation.
    public static let all: [ConfigurationOption] =
        cri + backEnd + streaming + docker + network + containers + nri + files + log

    private static let cri = [
        ConfigurationOption(
            "container-runtime-endpoint", .cri, .criEndpoint, \.containerRuntimeEndpoint,
            """
            Where the CRI is served: unix:///path, a path, or fd:// for the socket that systemd passes \
            (fd://NAME or fd://NUMBER when it passes several). When nothing names an endpoint and systemd \
            passes a socket, that socket is served.
            """),
        ConfigurationOption(
            "socket-mode", .cri, .mode, \.socketMode,
            "Permission bits, in octal, of a socket that Fender makes itself."),
        ConfigurationOption(
            "socket-group", .cri, .group, \.socketGroup,
            "Group, by name or number, of a socket that Fender makes itself; empty leaves its own."),
    ]

    private static let backEnd = [
        ConfigurationOption(
            "runtime", .cri, .choice, \.runtime,
            """
            What runs the pods: docker, native for Fender's own executor and image store, or auto for Docker where a \
            docker-endpoint is set, the node has pods on it, or the default one answers at the start, else native. \
            With auto a pod on a node with Docker may have the runtime handler native.
            """),
        ConfigurationOption(
            "default-back-end", .cri, .choice, \.defaultBackEnd,
            "With auto on a node with Docker: what runs the pods that name no runtime handler, docker or native."),
        ConfigurationOption(
            "cgroup-driver", .cri, .choice, \.cgroupDriver,
            """
            What the kubelet is told of the cgroups of native pods: systemd, cgroupfs, or auto for systemd where it \
            runs. A pod whose parent is a slice is put into it in any case. Pods on Docker have Docker's driver.
            """),
        ConfigurationOption(
            "registry-directory", .cri, .path, \.registryDirectory,
            "Directory of the registries' settings for native, a directory a host with containerd's hosts.toml."),
        ConfigurationOption(
            "runtime-handlers", .cri, .runtimeHandlers, \.runtimeHandlers,
            """
            Further runtime handlers for native: names, and the OCI runtimes that make their containers in the place of \
            Fender's own executor, such as runc=/usr/sbin/runc,crun=/usr/bin/crun.
            """),
    ]

    private static let streaming = [
        ConfigurationOption(
            "streaming-bind-addr", .streaming, .streamingAddress, \.streamingBindAddress,
            """
            Address, with or without a port, that serves exec, attach and port-forward connections; port 0 is \
            any free one.
            """),
        ConfigurationOption(
            "streaming-base-url", .streaming, .baseURL, \.streamingBaseURL,
            """
            What the URLs of exec, attach and port-forward begin with where a proxy stands before Fender, such as \
            https://node.example:10350/fender; empty is the address that is served.
            """),
        ConfigurationOption(
            "streaming-tls-cert", .streaming, .optionalPath, \.streamingTLSCert,
            """
            PEM file of the certificate, and its chain, for streaming connections, read again when it has changed; \
            empty is no TLS.
            """),
        ConfigurationOption(
            "streaming-tls-key", .streaming, .optionalPath, \.streamingTLSKey,
            "PEM file of that certificate's key, without a passphrase; read again when it has changed."),
        ConfigurationOption(
            "streaming-tls-client-ca", .streaming, .optionalPath, \.streamingTLSClientCA,
            "PEM file of authorities: every streaming client then needs a certificate of one of them."),
        ConfigurationOption(
            "streaming-idle-timeout", .streaming, .duration(), \.streamingIdleTimeout, isLive: true,
            "A streaming connection on which nothing moves for this long is closed; 0 never closes one."),
        ConfigurationOption(
            "streaming-creation-timeout", .streaming, .duration(zero: .seconds(30)), \.streamingCreationTimeout,
            isLive: true,
            "How long a streaming client may take for its request and to open its streams; 0 is the default."),
        ConfigurationOption(
            "streaming-max-connections", .streaming, .number(1...100_000), \.streamingMaxConnections, isLive: true,
            "How many streaming connections there may be at a time; further ones are answered 503."),
    ]

    private static let docker = [
        ConfigurationOption(
            "docker-endpoint", .docker, .dockerEndpoint, \.dockerEndpoint,
            "The Docker Engine API: unix:///path, a path, tcp://host:port or https://host:port."),
        ConfigurationOption(
            "docker-tls-ca", .docker, .optionalPath, \.dockerTLSCA,
            "PEM file of the authorities that sign the Docker daemon's certificate; turns TLS on for tcp://."),
        ConfigurationOption(
            "docker-tls-cert", .docker, .optionalPath, \.dockerTLSCert,
            "PEM file of Fender's own certificate toward Docker; turns TLS on for tcp://."),
        ConfigurationOption(
            "docker-tls-key", .docker, .optionalPath, \.dockerTLSKey,
            "PEM file of that certificate's key."),
        ConfigurationOption(
            "runtime-request-timeout", .docker, .duration(zero: .seconds(119)), \.runtimeRequestTimeout,
            "How long a call to Docker may take that neither pulls, follows nor waits; 0 is the default."),
        ConfigurationOption(
            "image-pull-progress-deadline", .docker, .duration(), \.imagePullProgressDeadline,
            "A pull without progress for this long is cancelled; 0 never cancels one."),
        ConfigurationOption(
            "pod-infra-container-image", .docker, .image, \.podInfraContainerImage,
            "Image of the container that holds a pod's namespaces; empty is the built-in pause program."),
    ]

    private static let network = [
        ConfigurationOption(
            "network-plugin", .network, .networkPlugin, \.networkPlugin,
            """
            Who connects pods: CNI plugins; builtin for a bridge of Fender's own where no CNI network is configured; \
            Docker's default bridge for none or an empty value.
            """),
        ConfigurationOption(
            "cni-conf-dir", .network, .path, \.cniConfDirectory,
            "Directory of CNI network configurations; the first by name is used."),
        ConfigurationOption(
            "cni-bin-dir", .network, .paths, \.cniBinDirectories,
            "Directories searched in order for CNI plugins."),
        ConfigurationOption(
            "cni-cache-dir", .network, .path, \.cniCacheDirectory,
            "Directory of cached CNI results."),
        ConfigurationOption(
            "pod-cidr", .network, .ranges, \.podCIDRs,
            "Pod address ranges to offer CNI plugins until the kubelet names them."),
        ConfigurationOption(
            "ipv6-dual-stack", .network, .boolean, \.ipv6DualStack,
            "Report a pod's addresses of both families; cri-dockerd's default was false."),
        ConfigurationOption(
            "network-plugin-mtu", .network, .number(0...65535), \.networkPluginMTU,
            ignored: "CNI plugins take their MTU from the network configuration",
            "Accepted and without effect: CNI plugins take their MTU from the network configuration."),
        ConfigurationOption(
            "hairpin-mode", .network, .choice, \.hairpinMode,
            ignored: "the bridge plugin has hairpinMode in the network configuration",
            "Accepted and without effect: the bridge plugin has hairpinMode in the network configuration."),
    ]

    private static let containers = [
        ConfigurationOption(
            "container-logs", .containers, .choice, \.containerLogs,
            "Container logs in the CRI format, or links to Docker's json-file logs as dockershim made."),
        ConfigurationOption(
            "docker-log-max-size", .containers, .size(atLeast: 64 << 10), \.dockerLogMaxSize,
            "Size at which Docker rotates the json-file log that it keeps of a container."),
        ConfigurationOption(
            "docker-log-max-file", .containers, .number(2...1000), \.dockerLogMaxFiles,
            "How many files Docker keeps of that log."),
        ConfigurationOption(
            "runtime-cgroups", .containers, .text, \.runtimeCgroups,
            ignored: "Fender moves no daemon to another cgroup; set the cgroup in dockerd's own unit",
            """
            Accepted and without effect: cri-dockerd moved dockerd to this cgroup and limited its memory; set \
            the cgroup in dockerd's own unit.
            """),
    ]

    private static let nri = [
        ConfigurationOption(
            "nri", .nri, .boolean, \.nri,
            "Let plugins of the Node Resource Interface hear of pods and containers, and adjust containers."),
        ConfigurationOption(
            "nri-socket", .nri, .path, \.nriSocket,
            "Socket that plugins connect to; only root may."),
        ConfigurationOption(
            "nri-disable-connections", .nri, .boolean, \.nriDisableConnections,
            "Make no socket: the pre-installed plugins are all there are."),
        ConfigurationOption(
            "nri-plugin-dir", .nri, .path, \.nriPluginDirectory,
            "Directory of pre-installed plugins, programs named NN-NAME, which Fender starts and ends."),
        ConfigurationOption(
            "nri-plugin-config-dir", .nri, .path, \.nriPluginConfigDirectory,
            "Directory of their configurations, NN-NAME.conf or NAME.conf."),
        ConfigurationOption(
            "nri-registration-timeout", .nri, .duration(zero: .seconds(5)), \.nriRegistrationTimeout,
            "How long a plugin may take to register, and to take in the pods that exist; 0 is the default."),
        ConfigurationOption(
            "nri-request-timeout", .nri, .duration(zero: .seconds(2)), \.nriRequestTimeout,
            "How long a plugin may take for anything else before it is dropped; 0 is the default."),
    ]

    private static let files = [
        ConfigurationOption(
            "root-directory", alias: "cri-dockerd-root-directory", .files, .path, \.rootDirectory,
            "Directory of what must outlive a reboot."),
        ConfigurationOption(
            "state-directory", .files, .path, \.stateDirectory,
            "Directory of what dies with a reboot."),
        ConfigurationOption(
            "adopt-root-directories", .files, .paths, \.adoptRootDirectories,
            "Root directories of dockershim and cri-dockerd, read for the pods they left behind."),
        ConfigurationOption(
            "config", .files, .path, \.file,
            "The TOML file with these settings; at the default path there need be none."),
    ]

    private static let log = [
        ConfigurationOption(
            "log-level", .log, .logLevel, \.logLevel, isLive: true,
            """
            trace, debug, info, notice, warning, error or critical; logrus's warn, fatal and panic are taken too.
            """),
        ConfigurationOption(
            "log-format", .log, .choice, \.logFormat, isLive: true,
            "Lines of key=value, or a JSON object a line."),
        ConfigurationOption(
            "metrics-bind-addr", .log, .metricsAddress, \.metricsBindAddress,
            """
            Where Prometheus finds Fender's own numbers, at /metrics: an IP address and port, or unix:///path for a \
            socket with the CRI socket's permission bits; empty is nowhere. Anyone who reaches it may read it.
            """),
    ]
}

extension OptionType where Value == NetworkPlugin {
    /// `cni`, `builtin`, or `none` or nothing.
    static let networkPlugin = OptionType(
        placeholder: "cni|builtin|none",
        parse: { text in
            switch text {
            case "cni": .cni
            case "builtin": .builtin
            case "", "none": .none
            case "kubenet":
                throw InvalidValue("kubenet is gone; use cni with the bridge plugin and host-local addresses")
            default: throw InvalidValue("not one of cni, builtin, none; a network by name is chosen in cni-conf-dir")
            }
        }, show: { $0.rawValue })
}
