import CNI
import CRI
import DockerEngine
import FoundationEssentials
import Linux
import Runtime
import TestScratch
import Testing

@testable import DockerRuntime

/// What dockershim and cri-dockerd left is read as it was meant.
struct AdoptionTests {
    func sandbox(
        _ docker: Inspections, network: String = "none", state: String = Inspections.running,
        addresses: [String] = ["10.1.0.5", "fd00::5"]
    ) throws -> SandboxRecord {
        let inspection = try docker.sandbox(network: network, state: state)
        return try #require(
            SandboxReading(inspection: inspection, addresses: addresses, isComplete: true).record())
    }

    @Test(arguments: Inspections.allCases)
    func aSandboxIsReadyWithItsAddresses(docker: Inspections) throws {
        let record = try sandbox(docker)
        let status = record.status
        #expect(status.id == Inspections.sandboxID)
        #expect(status.metadata.name == "web" && status.metadata.namespace == "shop")
        #expect(status.metadata.uid == "0b1f" && status.metadata.attempt == 2)
        #expect(status.state == .sandboxReady)
        #expect(status.createdAt == 1_795_512_306_928_188_500)
        #expect(status.network.ip == "10.1.0.5" && status.network.additionalIps.map(\.ip) == ["fd00::5"])
        #expect(
            status.labels == [
                "app": "web", "empty": "", "io.kubernetes.pod.name": "web", "io.kubernetes.pod.uid": "0b1f",
            ])
        #expect(status.annotations == ["empty": "", "odd/\u{e9}": "line\n\"q\" \\ \u{fc}"])
        #expect(status.linux.namespaces.options.network == .pod)
        // New containers run where the sandbox does.
        #expect(status.runtimeHandler == "runc")
        #expect(record.cgroupParent == "/kubepods/pod0b1f" && record.netns == "/proc/1776/ns/net")
    }

    @Test(arguments: Inspections.allCases)
    func aSandboxWithoutAnAddressIsReadyOnTheHostsNetworkOnly(docker: Inspections) throws {
        #expect(try sandbox(docker, addresses: []).status.state == .sandboxNotready)
        let host = try sandbox(docker, network: "host", addresses: [])
        #expect(host.status.state == .sandboxReady && host.usesHostNetwork && host.netns.isEmpty)
        #expect(try sandbox(docker, state: Inspections.exited).status.state == .sandboxNotready)
    }

    func container(
        _ docker: Inspections, name: String = "k8s_app_web_shop_0b1f_7", state: String = Inspections.running
    ) throws -> ContainerRecord {
        try #require(ContainerReading(inspection: docker.container(name: name, state: state)).record())
    }

    @Test(arguments: Inspections.allCases)
    func aContainerIsReadInFull(docker: Inspections) throws {
        let record = try container(docker)
        let status = record.status
        #expect(record.sandboxID == Inspections.sandboxID && record.pid == 1776)
        #expect(status.metadata.name == "app" && status.metadata.attempt == 7)
        #expect(status.state == .containerRunning && status.finishedAt == 0)
        #expect(status.startedAt == 1_795_512_307_095_318_972)
        #expect(status.labels == ["io.kubernetes.container.name": "app", "io.kubernetes.pod.name": "web"])
        #expect(status.annotations == ["io.kubernetes.container.restartCount": "7"])
        #expect(status.logPath == "/var/log/pods/shop_web_0b1f/app/7.log")
        #expect(record.sourceLog.hasSuffix("\(Inspections.containerID)-json.log"))
        #expect(status.imageRef == "sha256:77" && status.imageID == "sha256:77")
        #expect(status.mounts.map(\.containerPath) == ["/data", "/cache"])
        #expect(status.mounts.map(\.hostPath) == ["/srv/data", "/srv/cache"])
        #expect(status.mounts.map(\.readonly) == [true, false])
        #expect(status.resources.linux.memoryLimitInBytes == 128 << 20)
        #expect(status.resources.linux.cpuShares == 102 && status.resources.linux.oomScoreAdj == 900)
    }

    @Test(
        arguments: Inspections.allCases,
        [
            (Inspections.created, ContainerState.containerCreated, Int32(0), ""),
            (Inspections.exited, .containerExited, 3, "Error"),
            (Inspections.refused, .containerExited, 127, "ContainerCannotRun"),
        ])
    func statesAreDockershims(
        docker: Inspections, expected: (text: String, state: ContainerState, code: Int32, reason: String)
    ) throws {
        let status = try container(docker, state: expected.text).status
        #expect(status.state == expected.state && status.exitCode == expected.code)
        #expect(status.reason == expected.reason)
        #expect((status.finishedAt != 0) == (expected.state == .containerExited))
    }

    @Test func aNameWithASuffixIsStillTheContainers() throws {
        let status = try container(.docker20, name: "k8s_app_web_shop_0b1f_7_00c0ffee").status
        #expect(status.metadata.name == "app" && status.metadata.attempt == 7)
    }

    // MARK: Lists

    func summary(
        _ name: String, type: String, state: String, status: String, network: String = "none"
    ) throws -> SummaryReading {
        let text = """
            {"Id": "\(Inspections.containerID)", "Names": ["/\(name)"], "Image": "pause:3.10", "ImageID": "sha256:77",
             "Command": "/pause", "Created": 1795512322, "Ports": [], "State": "\(state)", "Status": "\(status)",
             "Labels": {"app": "web", "io.kubernetes.docker.type": "\(type)", "annotation.a": "b",
               "io.kubernetes.sandbox.id": "\(Inspections.sandboxID)"},
             "HostConfig": {"NetworkMode": "\(network)"}, "NetworkSettings": {"Networks": {}}, "Mounts": []}
            """
        return SummaryReading(
            summary: try JSONDecoder().decode(Docker.ContainerSummary.self, from: Data(text.utf8)))
    }

    @Test func aSandboxThatCannotBeInspectedIsSeen() throws {
        let reading = try summary("k8s_POD_web_shop_0b1f_2", type: "podsandbox", state: "running", status: "Up 3 days")
        let record = try #require(reading.sandbox(addresses: ["10.1.0.5"], isComplete: true))
        #expect(record.status.state == .sandboxReady && record.status.network.ip == "10.1.0.5")
        #expect(record.status.metadata.attempt == 2 && record.createdAt == 1_795_512_322_000_000_000)
        #expect(record.status.labels["app"] == "web" && record.status.annotations == ["a": "b"])
        // With the number unknown the next reconciliation reads it again.
        #expect(record.pid == 0 && record.netns.isEmpty)
        #expect(reading.sandbox(addresses: [], isComplete: true)?.status.state == .sandboxNotready)
    }

    @Test(arguments: [
        ("running", "Up 2 hours", ContainerState.containerRunning, Int32(0)),
        ("exited", "Exited (137) 2 minutes ago", .containerExited, 137),
        ("exited", "Exited (0) 2 minutes ago", .containerExited, 0),
        ("exited", "gone", .containerExited, 255),
        ("created", "Created", .containerCreated, 0),
    ])
    func aContainerThatCannotBeInspectedIsSeen(
        state: String, text: String, expected: ContainerState, code: Int32
    ) throws {
        let reading = try summary("k8s_app_web_shop_0b1f_7", type: "container", state: state, status: text)
        let status = try #require(reading.container(image: nil)).status
        #expect(status.state == expected && status.exitCode == code && status.metadata.attempt == 7)
        #expect((status.finishedAt != 0) == (expected == .containerExited))
    }

    // MARK: Checkpoints

    static let ported = """
        {"version":"v1","name":"web","namespace":"shop","data":{"port_mappings":[\
        {"protocol":"tcp","container_port":80,"host_port":18106},\
        {"protocol":"udp","container_port":53,"host_port":15353,"host_ip":"127.0.0.1"}]},"checksum":4241100597}
        """

    @Test func checksumsAreCRIDockerdsWithPortsToo() throws {
        let checkpoint = try JSONDecoder().decode(Checkpoint.self, from: Data(Self.ported.utf8))
        #expect(UInt64(checkpoint.data.fingerprint) == checkpoint.checksum)
        #expect(checkpoint.data.portMappings.map(\.hostPort) == [18106, 15353])
        #expect(checkpoint.data.portMappings.map(\.hostIP) == ["", "127.0.0.1"])
        #expect(checkpoint.data.portMappings.map(\.protocolName) == ["tcp", "udp"])
    }

    @Test(arguments: [ported, ported.replacing("4241100597", with: "1"), ported.replacing("\"v1\"", with: "\"v0\"")])
    func anyChecksumAndVersionIsRead(text: String) throws {
        let (scratch, id) = (try Scratch(), Inspections.sandboxID)
        let store = CheckpointStore(root: "\(scratch.path)/own", adopting: ["\(scratch.path)/shim"])
        try Files.makeDirectories("\(scratch.path)/shim/sandbox")
        try Files.replace("\(scratch.path)/shim/sandbox/\(id)", with: Array(text.utf8))
        #expect(store.read(id)?.data.portMappings.count == 2)
    }

    @Test func checkpointsOfEveryRootAreFoundAndRemoved() throws {
        let scratch = try Scratch()
        let roots = ["own", "dockershim", "cri-dockerd"].map { "\(scratch.path)/\($0)" }
        let ids = ["a", "b", "c"].map { String(repeating: $0, count: 64) }
        for (root, id) in zip(roots, ids) {
            try Files.makeDirectories("\(root)/sandbox")
            // Half written, as by a power loss.
            try Files.replace("\(root)/sandbox/\(id)", with: Array(#"{"version":"#.utf8))
            for stranger in ["README", ".\(id)", id.uppercased() == id ? "x" : id.uppercased()] {
                try Files.replace("\(root)/sandbox/\(stranger)", with: [])
            }
        }
        let store = CheckpointStore(root: roots[0], adopting: Array(roots.dropFirst()) + ["\(scratch.path)/absent"])
        #expect(store.ids() == Set(ids))
        for id in ids {
            #expect(store.read(id) == nil)
            try store.remove(id)
            try store.remove(id)
        }
        #expect(store.ids().isEmpty)
        #expect(roots.allSatisfy { Files.exists("\($0)/sandbox/README") })
    }
}
