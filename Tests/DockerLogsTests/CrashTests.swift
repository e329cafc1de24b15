import Glibc
import Linux
import Testing

/// The follower is killed again and again; not a byte may be missing or be there twice.
@Suite struct CrashTests {
    @Test(arguments: [1, 2])
    func killedAtRandomMoments(seed: UInt64) async throws {
        let scratch = try Scratch()
        let outcome = try await onThread {
            let node = try Node(scratch, seed: seed)
            while !node.hasSeenEnough { try node.liveAndDie() }
            return try node.end()
        }
        #expect(outcome.answers == ["following", "finished true"])
        #expect(outcome.found.count == outcome.expected.count)
        if let place = zip(outcome.found, outcome.expected).enumerated().first(where: { $1.0 != $1.1 })?.offset {
            let near = max(0, place - 200)..<min(outcome.found.count, place + 200)
            Issue.record("differs at \(place): \(text(Array(outcome.found[near])))")
        }
        #expect(outcome.tornFiles == [])
    }
}

private struct Outcome: Sendable {
    var answers: [String?]
    /// All CRI logs in their order.
    var found: [UInt8]
    var expected: [UInt8]
    /// The logs that end inside a line.
    var tornFiles: [String]
}

/// Docker, a kubelet and a follower that does not live long.
private final class Node {
    private let scratch: Scratch
    private let docker: DockerJSONFile
    private var random: SplitMix
    private var rotated: [String] = []
    private var rotations = 0
    private var deaths = 0
    /// Whether the present probe's answer to `follow` has been read.
    private var isAnswered = false
    private let follow: String

    init(_ scratch: Scratch, seed: UInt64) throws {
        self.scratch = scratch
        docker = try DockerJSONFile(scratch.source, maxSize: 100_000, maxFile: 100)
        random = SplitMix(seed: seed)
        follow = "follow x \(scratch.source) \(scratch.destination)"
    }

    /// A hundred deaths among twenty rotations and some MiB, however fast the machine is.
    var hasSeenEnough: Bool { deaths >= 100 && rotations > 20 && docker.expected.count > 4 << 20 }

    /// A follower's life: from its start on Docker writes and the kubelet rotates, until it is killed.
    func liveAndDie() throws {
        let probe = try ProbeProcess(scratch)
        probe.send(follow)
        isAnswered = false
        let end = Self.now() + UInt64.random(in: 1...60_000, using: &random)
        while Self.now() < end {
            try writeSome()
            if Int.random(in: 0..<8, using: &random) == 0, rotate(probe) { break }
            usleep(UInt32.random(in: 0...1500, using: &random))
        }
        probe.kill()
        deaths += 1
    }

    /// The last follower finishes the log.
    func end() throws -> Outcome {
        let probe = try ProbeProcess(scratch)
        probe.send(follow)
        let answers = [probe.answer(), probe.ask("finish x")]
        let files = rotated + [scratch.destination]
        return Outcome(
            answers: answers, found: try files.flatMap { try Scratch.bytes($0) },
            expected: docker.expected, tornFiles: try files.filter { try Scratch.bytes($0).last ?? 10 != 10 })
    }

    private func writeSome() throws {
        // No more than Docker keeps may be unread.
        let done = (rotated + [scratch.destination]).reduce(0) { $0 + Self.size($1) }
        if docker.expected.count - done > 5 << 20 { return }
        for _ in 0..<Int.random(in: 1...60, using: &random) {
            switch Int.random(in: 0..<40, using: &random) {
            case 0: try docker.write(String(repeating: "long ", count: 3200), endsLine: false)
            case 1: try docker.write("no end", stream: "stderr", endsLine: false)
            case 2: try docker.write("")
            default:
                let length = Int.random(in: 0...200, using: &random)
                try docker.write("line \"\(length)\" <\(String(repeating: "é", count: length))>\t", stream: "stdout")
            }
        }
    }

    /// The kubelet's rotation: rename, reopen, and rename back on failure. True when the follower was killed on the way.
    private func rotate(_ probe: ProbeProcess) -> Bool {
        let name = "\(scratch.destination).2026\(1000 + rotations)"
        guard rename(scratch.destination, name) == 0 else { return false }
        rotations += 1
        rotated.append(name)
        probe.send("reopen x")
        switch Int.random(in: 0..<4, using: &random) {
        case 0:
            // It dies on the way, and the kubelet too: the file stays renamed.
            usleep(UInt32.random(in: 0...1000, using: &random))
            probe.kill()
            return true
        case 1:
            // It dies on the way: the kubelet puts the file back.
            usleep(UInt32.random(in: 0...1000, using: &random))
            probe.kill()
            rename(name, scratch.destination)
            rotated.removeLast()
            return true
        default:
            if !isAnswered { _ = probe.answer() }
            isAnswered = true
            if probe.answer() == "reopened" { return false }
            rename(name, scratch.destination)
            rotated.removeLast()
            return false
        }
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
    }

    private static func size(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}
