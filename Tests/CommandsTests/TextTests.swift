import CRI
import Testing

@testable import Commands

/// What people read.
struct TextTests {
    @Test(
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (10 << 20, "10 MiB"),
            (1_048_575, "1 MiB"),
            (12_345_678, "12 MiB"), (UInt64.max, "16 EiB"),
        ] as [(UInt64, String)])
    func bytes(count: UInt64, text: String) {
        #expect(Quantities.bytes(count) == text)
    }

    @Test(
        arguments: [
            (-5, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172_799, "47h"), (172_800, "2d"),
        ] as [(Int64, String)])
    func age(seconds: Int64, text: String) {
        #expect(Quantities.age(nanoseconds: seconds * 1_000_000_000) == text)
    }

    @Test func columnsAreAligned() {
        var table = Table([("NAME", .left), ("SIZE", .right), ("NOTE", .left)])
        table.append(["a", "1", ""])
        table.append(["longer", "1000", "x"])
        #expect(table.lines == ["NAME     SIZE   NOTE", "a           1", "longer   1000   x"])
    }

    @Test func podsWithTheirContainers() {
        var pod = PodSandbox()
        pod.id = "0123456789abcdef"
        (pod.metadata.namespace, pod.metadata.name, pod.createdAt) = ("default", "web", 1_000_000_000)
        var empty = pod
        (empty.id, empty.metadata.name) = ("fedcba9876543210", "alone")
        var ended = pod
        (ended.id, ended.state) = ("ended", .sandboxNotready)
        var container = Container()
        (container.id, container.podSandboxID, container.state) = ("c0ffee", pod.id, .containerRunning)
        (container.metadata.name, container.metadata.attempt, container.createdAt) = ("nginx", 2, 61_000_000_000)
        container.image.userSpecifiedImage = "nginx:1.27"
        let pods = Pods([pod, empty, ended], [container], all: false, namespace: nil)
        #expect(
            pods.table(now: 121_000_000_000).lines == [
                "NAMESPACE   POD     CONTAINER   STATE     RESTARTS   AGE   IMAGE        ID",
                "default     alone   -           Ready            -    2m   -            fedcba9876543",
                "default     web     nginx       Running          2   60s   nginx:1.27   c0ffee",
            ])
        #expect(Pods([pod, ended], [], all: true, namespace: nil).sandboxes.count == 2)
        #expect(Pods([pod], [container], all: true, namespace: "other").containers.isEmpty)
    }

    @Test func imagesByName() {
        var image = Image()
        (image.id, image.size, image.pinned) = ("sha256:0123456789abcdef", 1 << 20, true)
        image.repoTags = ["localhost:5000/a:v1", "b:latest"]
        var bare = Image()
        (bare.id, bare.repoDigests) = ("sha256:ff", ["localhost:5000/c@sha256:00"])
        #expect(
            ImagesCommand.table([bare, image]).lines == [
                "IMAGE              TAG      ID               SIZE   PINNED",
                "b                  latest   0123456789abc   1 MiB   yes",
                "localhost:5000/a   v1       0123456789abc   1 MiB   yes",
                "localhost:5000/c   <none>   ff                0 B",
            ])
    }

    @Test func useIsADifference() {
        func stats(_ id: String, at time: Int64, cpu: UInt64, memory: UInt64, available: UInt64?) -> ContainerStats {
            var stats = ContainerStats()
            stats.attributes.id = id
            stats.attributes.metadata.name = id
            stats.cpu.timestamp = time
            stats.cpu.usageCoreNanoSeconds.value = cpu
            stats.memory.workingSetBytes.value = memory
            if let available { stats.memory.availableBytes.value = available }
            return stats
        }
        var pod = PodSandboxMetadata()
        (pod.namespace, pod.name) = ("default", "web")
        let before = [stats("a", at: 0, cpu: 0, memory: 1, available: nil)]
        let now = [
            stats("a", at: 2_000_000_000, cpu: 500_000_000, memory: 1 << 20, available: 3 << 20),
            stats("b", at: 2_000_000_000, cpu: 9, memory: 2 << 20, available: nil),
        ]
        let usage = Usage(from: before, to: now, ["b": pod], order: .memory)
        #expect(usage.rows.map(\.stats.attributes.id) == ["b", "a"])
        #expect(usage.rows.map(\.name.1) == ["web", "-"])
        #expect(usage.rows.map(\.nanoCores) == [nil, 250_000_000])
        #expect(usage.rows.map(\.share) == [nil, 25])
        #expect(usage.lines.first == "2 containers   CPU 250m   memory 3 MiB")
    }
}
