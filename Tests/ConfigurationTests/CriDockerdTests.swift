import Logging
import Testing

@testable import Configuration

/// Command lines as they stand in units and drop-ins that people wrote for cri-dockerd, after the program's name.
private let lines: [(line: String, expected: @Sendable (FenderConfiguration) -> Bool)] = [
    ("--container-runtime-endpoint fd://", { $0.containerRuntimeEndpoint == .inherited(nil) }),
    (
        "--container-runtime-endpoint fd:// --network-plugin=cni",
        { $0.containerRuntimeEndpoint == .inherited(nil) && $0.networkPlugin == .cni }
    ),
    (
        "--container-runtime-endpoint fd:// --network-plugin=",
        { $0.containerRuntimeEndpoint == .inherited(nil) && $0.networkPlugin == .none }
    ),
    (
        "--network-plugin=cni --pod-infra-container-image=registry.example/google_containers/pause:3.7",
        { $0.podInfraContainerImage == "registry.example/google_containers/pause:3.7" }
    ),
    (
        "--container-runtime-endpoint fd:// --pod-infra-container-image registry.example/pause:3.10",
        { $0.podInfraContainerImage == "registry.example/pause:3.10" && $0.containerRuntimeEndpoint == .inherited(nil) }
    ),
    (
        "--container-runtime-endpoint unix:///var/run/cri-dockerd.sock --pod-infra-container-image registry.k8s.io/pause:3.9",
        { $0.containerRuntimeEndpoint == .path("/var/run/cri-dockerd.sock") }
    ),
    (
        "--network-plugin=cni --cni-bin-dir=/opt/cni/bin --cni-cache-dir=/var/lib/cni/cache --cni-conf-dir=/etc/cni/net.d",
        { $0.cniBinDirectories == ["/opt/cni/bin"] && $0.cniConfDirectory == "/etc/cni/net.d" }
    ),
    (
        """
        --container-runtime-endpoint fd:// --cni-bin-dir=/opt/cni/bin,/usr/libexec/cni --cni-cache-dir=/var/lib/cni \
        --cni-conf-dir=/etc/cni/net.d --network-plugin=cni --pod-cidr=10.233.64.0/18 --log-level warn
        """,
        { $0.podCIDRs == ["10.233.64.0/18"] && $0.cniBinDirectories.count == 2 && $0.logLevel == .warning }
    ),
    (
        "--container-runtime-endpoint fd:// --network-plugin=cni --hairpin-mode=hairpin-veth --network-plugin-mtu=1450",
        { $0.hairpinMode == .hairpinVeth && $0.networkPluginMTU == 1450 }
    ),
    (
        """
        --docker-endpoint=unix:///var/run/docker.sock --cri-dockerd-root-directory=/var/lib/cri-dockerd \
        --ipv6-dual-stack --image-pull-progress-deadline=30m0s --runtime-request-timeout=10m \
        --streaming-bind-addr=127.0.0.1:42000 --runtime-cgroups=/systemd/system.slice --log-level=debug
        """,
        {
            $0.dockerEndpoint == .unix("/var/run/docker.sock") && $0.rootDirectory == "/var/lib/cri-dockerd"
                && $0.ipv6DualStack && $0.imagePullProgressDeadline == .seconds(1800)
                && $0.runtimeRequestTimeout == .seconds(600)
                && $0.streamingBindAddress == StreamingAddress(host: "127.0.0.1", port: 42000)
                && $0.logLevel == .debug
        }
    ),
]

struct CriDockerdTests {
    @Test(arguments: lines.indices) func unitFiles(index: Int) throws {
        let (line, expected) = lines[index]
        #expect(expected(try load(line.split(separator: " ").map(String.init)).values), "\(line)")
    }

    /// Every flag of cri-dockerd's own.
    @Test(arguments: [
        "container-runtime-endpoint", "runtime-cgroups", "cri-dockerd-root-directory", "pod-infra-container-image",
        "docker-endpoint", "image-pull-progress-deadline", "runtime-request-timeout", "streaming-bind-addr", "pod-cidr",
        "ipv6-dual-stack", "network-plugin", "cni-conf-dir", "cni-bin-dir", "cni-cache-dir", "network-plugin-mtu",
        "hairpin-mode", "log-level",
    ]) func flagIsKnown(name: String) {
        #expect(ConfigurationOption.named("--" + name) != nil)
    }

    @Test(arguments: [
        (["--ipv6-dual-stack=false"], false), (["--ipv6-dual-stack=0"], false), (["--ipv6-dual-stack"], true),
        (["--ipv6-dual-stack=false", "--ipv6-dual-stack"], true),
    ]) func booleans(flags: [String], expected: Bool) throws {
        #expect(try load(flags).values.ipv6DualStack == expected)
    }

    @Test func requests() throws {
        #expect(try CommandLineFlags(["--version"]).version)
        #expect(try CommandLineFlags(["--log-level", "debug", "--buildinfo"]).buildInfo)
        #expect(try CommandLineFlags(["-h"]).help)
        #expect(try CommandLineFlags(["--help"]).help)
        #expect(try !CommandLineFlags(["--version=false"]).version)
    }

    @Test func aFlagTakesWhateverFollowsAsItsValue() throws {
        #expect(try load(["--pod-infra-container-image", "--odd"]).values.podInfraContainerImage == "--odd")
        #expect(try load(["--pod-infra-container-image=a=b"]).values.podInfraContainerImage == "a=b")
    }
}
