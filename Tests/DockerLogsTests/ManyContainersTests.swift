import DockerLogs
import Glibc
import Linux
import Testing

@Suite struct ManyContainersTests {
    private let scratch: Scratch
    private let probe: ProbeProcess
    private let root: String

    init() throws {
        scratch = try Scratch()
        probe = try ProbeProcess(scratch)
        root = scratch.path
    }

    private func source(_ number: Int) -> String { "\(root)/docker/\(number)/\(number)-json.log" }

    private func destination(_ number: Int) -> String { "\(root)/pods/pod/\(number)/0.log" }

    private func follow(_ number: Int) throws -> DockerJSONFile {
        mkdir("\(root)/docker/\(number)", 0o755)
        let docker = try DockerJSONFile(source(number))
        #expect(probe.ask("follow \(number) \(source(number)) \(destination(number))") == "following")
        return docker
    }

    @Test func threeHundredIdleCostNothing() async throws {
        let count = 300
        // The first brings what all share.
        try follow(count).write("hello")
        #expect(try await eventually { probe.statistics().lines == 1 })
        #expect(try await eventually { try sleepsForASecond() })
        let before = (descriptors: try descriptors(), memory: try memory())
        for number in 0..<count { try follow(number).write("hello") }
        #expect(try await eventually { probe.statistics().lines == count + 1 })
        // While one is at work the thread may have a file more.
        #expect(try await eventually { try descriptors() - before.descriptors <= 2 * count })
        let memory = try memory() - before.memory
        #expect(memory < 4 * count)
        // Past the gathering of events and the checkpoints that are due, the thread does not wake at all.
        #expect(try await eventually { try sleepsForASecond() })
    }

    private func sleepsForASecond() throws -> Bool {
        let before = try switches()
        usleep(1_000_000)
        return try switches() == before && !before.isEmpty
    }

    /// A log with much to convert lets the others through before it is done.
    @Test func aChattyContainerHoldsUpNobody() async throws {
        let line = Array(
            DockerJSONFile.json(String(repeating: "chat ", count: 40) + "\n", "stdout", DockerJSONFile.time(1)).utf8)
        mkdir("\(root)/docker/0", 0o755)
        let chatty = try DockerJSONFile(source(0))
        let block = Array(repeatElement(line, count: 8000).joined())
        for _ in 0..<60 { try chatty.writeRaw(block) }
        let quiet = try (1...20).map { try follow($0) }
        #expect(probe.ask("follow 0 \(source(0)) \(destination(0))") == "following")
        for docker in quiet { try docker.write("quiet") }
        for number in 1...20 {
            while try Scratch.bytes(destination(number)).isEmpty { usleep(200) }
        }
        let done = try Descriptor.open(destination(0), O_RDONLY).status().st_size
        #expect(probe.ask("finish 0") == "finished true")
        let total = try Descriptor.open(destination(0), O_RDONLY).status().st_size
        #expect(total > 80 << 20)
        #expect(done < total, "\(done) of \(total) when the quiet ones were served")
    }

    private func descriptors() throws -> Int { try Files.names(in: "/proc/\(probe.pid)/fd").count }

    /// Resident memory, KiB.
    private func memory() throws -> Int {
        let fields = try Files.text("/proc/\(probe.pid)/statm").split(separator: " ")
        return (Int(fields[1]) ?? 0) * 4
    }

    /// How often the thread that follows has given up the processor.
    private func switches() throws -> [String] {
        for thread in try Files.names(in: "/proc/\(probe.pid)/task") {
            let path = "/proc/\(probe.pid)/task/\(thread)"
            guard try Files.text("\(path)/comm") == "docker-logs" else { continue }
            return try Files.text("\(path)/status").split(separator: "\n").filter { $0.contains("ctxt_switches") }.map {
                String($0)
            }
        }
        return []
    }
}
