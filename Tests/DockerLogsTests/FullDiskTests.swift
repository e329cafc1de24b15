import DockerLogs
import Glibc
import Linux
import Testing

/// The CRI logs are on a file system of a few hundred KiB, in a mount namespace of the probe's own.
@Suite(.enabled(if: geteuid() == 0)) struct FullDiskTests {
    private let scratch: Scratch
    private let probe: ProbeProcess
    /// The small file system, seen from here.
    private let disk: String

    init() throws {
        scratch = try Scratch()
        probe = try ProbeProcess(
            scratch, shell: "mount -t tmpfs -o size=512k none \(scratch.path)/pods; mkdir -p \(scratch.path)/pods/pod/c"
        )
        disk = "/proc/\(probe.pid)/root\(scratch.path)/pods"
    }

    private var log: String { "\(disk)/pod/c/0.log" }

    private func follow() {
        #expect(probe.ask("follow x \(scratch.source) \(scratch.destination)") == "following")
    }

    private func fill(to size: Int) throws {
        let file = try Descriptor.open("\(disk)/filler", O_WRONLY | O_CREAT, mode: 0o600)
        let bytes = [UInt8](repeating: 0, count: size)
        try bytes.withUnsafeBytes { try file.writeAll($0) }
    }

    private func waitForFailure() async throws {
        #expect(try await eventually { probe.statistics().writeFailures == 1 })
    }

    /// Docker keeps the entries, so nothing is lost; meanwhile the log ends with a whole line.
    @Test func spaceReturns() async throws {
        let docker = try DockerJSONFile(scratch.source)
        follow()
        try fill(to: 400 << 10)
        for number in 0..<4000 { try docker.write("line \(number) \(String(repeating: "x", count: 50))") }
        try await waitForFailure()
        let part = try Scratch.bytes(log)
        #expect(part.count < docker.expected.count && part == Array(docker.expected[..<part.count]))
        #expect(part.last ?? 10 == 10)
        #expect(probe.ask("finish x") == "finished false")
        #expect(probe.statistics().writeFailures == 1)
        try Files.remove("\(disk)/filler")
        #expect(try await eventually { try Scratch.bytes(log).count == docker.expected.count })
        #expect(try Scratch.bytes(log) == docker.expected)
        #expect(probe.statistics().droppedLines == 0)
    }

    /// What Docker deletes meanwhile is dropped and counted; every line that is there is whole.
    @Test func dockerDeletesMeanwhile() async throws {
        let docker = try DockerJSONFile(scratch.source, maxSize: 50_000, maxFile: 10)
        follow()
        try fill(to: 480 << 10)
        var written = 0
        while probe.statistics().droppedLines < 3000 {
            for number in written..<written + 100 {
                try docker.write("line \(number) \(String(repeating: "x", count: number % 200))")
            }
            written += 100
            try #require(written < 1_000_000)
            #expect(
                try await eventually {
                    let now = probe.statistics()
                    return now.lines + now.droppedLines >= docker.deletedEntries
                })
        }
        try Files.remove("\(disk)/filler")
        try docker.write("last")
        #expect(try await eventually { text(try Scratch.bytes(log)).hasSuffix(" last\n") })
        #expect(probe.ask("finish x") == "finished true")
        let found = text(try Scratch.bytes(log)).split(separator: "\n")
        var expected = text(docker.expected).split(separator: "\n")[...]
        for line in found {
            let place = try #require(expected.firstIndex(of: line), "\(line)")
            expected = expected[(place + 1)...]
        }
        #expect(expected == [])
        #expect(found.count + Int(probe.statistics().droppedLines) == written + 1)
        #expect(probe.statistics().gaps == 0)
    }

    /// Killed while the disk is full; the file system lives on in the test's hands.
    @Test func killedMeanwhile() async throws {
        let docker = try DockerJSONFile(scratch.source)
        follow()
        try fill(to: 400 << 10)
        for number in 0..<4000 { try docker.write("line \(number)") }
        try await waitForFailure()
        let root = try Descriptor.open(disk, O_RDONLY | O_DIRECTORY)
        probe.kill()
        try Files.remove("/proc/self/fd/\(root.raw)/filler")
        let destination = "/proc/self/fd/\(root.raw)/pod/c/0.log"
        let manager = try scratch.manager()
        try await manager.follow(containerID: "x", source: scratch.source, destination: destination)
        #expect(await manager.finish(containerID: "x"))
        #expect(try Scratch.bytes(destination) == docker.expected)
        await manager.stop()
    }
}
