import DockerLogs
import Glibc
import Linux
import Testing

@Suite struct FollowTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    private func follow(_ manager: LogManager) async throws {
        try await manager.follow(containerID: "x", source: scratch.source, destination: scratch.destination)
    }

    @Test func aLogThatBeginsLater() async throws {
        let manager = try scratch.manager()
        try await follow(manager)
        #expect(Files.exists(scratch.destination))
        let docker = try DockerJSONFile(scratch.source)
        try docker.write("out")
        try docker.write("err", stream: "stderr")
        try docker.write("no end", endsLine: false)
        #expect(await manager.finish(containerID: "x"))
        #expect(text(try Scratch.bytes(scratch.destination)) == text(docker.expected))
        #expect(try Descriptor.open(scratch.destination, O_RDONLY).status().st_mode & 0o7777 == 0o640)
        let statistics = manager.statistics
        #expect(statistics.lines == 3)
        #expect(statistics.bytes == docker.expected.count)
        #expect(statistics.following == 0)
        await manager.stop()
    }

    private func wait(for bytes: [UInt8], in path: String) async throws {
        if try await eventually({ try Scratch.bytes(path) == bytes }) { return }
        #expect(text(try Scratch.bytes(path)) == text(bytes))
    }

    @Test func writtenWithoutBeingAsked() async throws {
        let manager = try scratch.manager()
        let docker = try DockerJSONFile(scratch.source, maxSize: 300, maxFile: 3)
        try await follow(manager)
        for number in 0..<20 {
            try docker.write("line \(number)")
            try await wait(for: docker.expected, in: scratch.destination)
        }
        await manager.stop()
    }

    @Test(arguments: [2, 3, 5])
    func dockersRotation(maxFile: Int) async throws {
        let manager = try scratch.manager()
        let docker = try DockerJSONFile(scratch.source, maxSize: 4000, maxFile: maxFile)
        try await follow(manager)
        for number in 0..<400 {
            try docker.write("line \(number) \(String(repeating: "x", count: number % 97))")
            // No more than Docker keeps may be left unread.
            if number % 20 == 19 { try await wait(for: docker.expected, in: scratch.destination) }
        }
        #expect(await manager.finish(containerID: "x"))
        #expect(try Scratch.bytes(scratch.destination) == docker.expected)
        #expect(manager.statistics.gaps == 0)
        await manager.stop()
    }

    /// Many rotations at once: the files between are found by their numbers.
    @Test func rotationsWhileNobodyLooked() async throws {
        let docker = try DockerJSONFile(scratch.source, maxSize: 1000, maxFile: 20)
        for part in 0..<2 {
            let manager = try scratch.manager()
            for number in 0..<100 { try docker.write("part \(part) line \(number)") }
            try await follow(manager)
            #expect(await manager.finish(containerID: "x"))
            await manager.stop()
        }
        #expect(text(try Scratch.bytes(scratch.destination)) == text(docker.expected))
    }

    @Test func whatDockerDeletedIsAGap() async throws {
        let docker = try DockerJSONFile(scratch.source, maxSize: 1000, maxFile: 2)
        let first = try scratch.manager()
        try await follow(first)
        try docker.write("first")
        #expect(await first.finish(containerID: "x"))
        await first.stop()
        for number in 0..<100 { try docker.write("lost or not \(number)") }
        let second = try scratch.manager()
        try await follow(second)
        try docker.write("last")
        #expect(await second.finish(containerID: "x"))
        #expect(second.statistics.gaps == 1)
        let lines = text(try Scratch.bytes(scratch.destination)).split(separator: "\n")
        #expect(lines.first?.hasSuffix(" first") == true && lines.last?.hasSuffix(" last") == true)
        #expect(Set(lines).count == lines.count)
        #expect(text(docker.expected).hasSuffix(lines.dropFirst().joined(separator: "\n") + "\n"))
        await second.stop()
    }

    @Test func truncationInPlaceEvenIfTheFileGrowsAgain() async throws {
        let manager = try scratch.manager()
        let docker = try DockerJSONFile(scratch.source)
        try docker.write("before")
        try await follow(manager)
        try await wait(for: docker.expected, in: scratch.destination)
        await manager.stop()
        try docker.truncate()
        for number in 0..<10 { try docker.write("after, longer than before \(number)") }
        let next = try scratch.manager()
        try await follow(next)
        #expect(await next.finish(containerID: "x"))
        #expect(text(try Scratch.bytes(scratch.destination)) == text(docker.expected))
        #expect(next.statistics.gaps == 1)
        await next.stop()
    }

    @Test func truncationWhileFollowed() async throws {
        let manager = try scratch.manager()
        let docker = try DockerJSONFile(scratch.source)
        try await follow(manager)
        for round in 0..<20 {
            try docker.write("round \(round)")
            try await wait(for: docker.expected, in: scratch.destination)
            try docker.truncate()
        }
        try docker.write("end")
        #expect(await manager.finish(containerID: "x"))
        #expect(text(try Scratch.bytes(scratch.destination)) == text(docker.expected))
        await manager.stop()
    }

    @Test func tornAndGarbledLines() async throws {
        let manager = try scratch.manager()
        let docker = try DockerJSONFile(scratch.source)
        try await follow(manager)
        try docker.write("one")
        try docker.writeRaw(Array("garbage\n".utf8))
        try docker.writeRaw(Array("{\"log\":\"torn".utf8))
        try await wait(for: docker.expected, in: scratch.destination)
        try docker.restart()
        try docker.write("two")
        try await wait(for: docker.expected, in: scratch.destination)
        let last = DockerJSONFile.json("unended\n", "stdout", DockerJSONFile.time(99)).dropLast()
        try docker.writeRaw(Array(last.utf8))
        docker.expect("\(DockerJSONFile.time(99)) stdout F unended\n")
        #expect(await manager.finish(containerID: "x"))
        #expect(text(try Scratch.bytes(scratch.destination)) == text(docker.expected))
        #expect(manager.statistics.malformedLines == 2)
        await manager.stop()
    }

    @Test func dockersDirectoryVanishes() async throws {
        let manager = try scratch.manager()
        let docker = try DockerJSONFile(scratch.source)
        try await follow(manager)
        // From here on the file is open; before that nobody can read what is deleted at once.
        try docker.write("first words")
        try await wait(for: docker.expected, in: scratch.destination)
        try docker.write("last words")
        try docker.close()
        unlink(scratch.source)
        rmdir("\(scratch.path)/docker")
        #expect(try await eventually { manager.statistics.following == 0 })
        #expect(text(try Scratch.bytes(scratch.destination)) == text(docker.expected))
        #expect(try Files.names(in: scratch.state) == [])
        await manager.stop()
    }

    @Test func forgettingLeavesNothing() async throws {
        let manager = try scratch.manager()
        _ = try DockerJSONFile(scratch.source)
        for id in ["x", "y", "z"] {
            try await manager.follow(
                containerID: id, source: scratch.source, destination: "\(scratch.path)/pods/pod/\(id)/0.log")
        }
        // The thread may just be replacing one.
        #expect(try await eventually { try Files.names(in: scratch.state) == ["x", "y", "z"] })
        await manager.forget(containerID: "x")
        #expect(try await eventually { try Files.names(in: scratch.state) == ["y", "z"] })
        await manager.forget(except: ["z"])
        #expect(try await eventually { try Files.names(in: scratch.state) == ["z"] })
        #expect(manager.statistics.following == 1)
        await manager.stop()
        await #expect(throws: LogError.self) { try await follow(manager) }
        #expect(await !manager.finish(containerID: "z"))
    }

    /// Without its checkpoint a log goes on after the last time that is in it.
    @Test func lostCheckpoint() async throws {
        let docker = try DockerJSONFile(scratch.source, maxSize: 500, maxFile: 9)
        for part in 0..<3 {
            for number in 0..<10 { try docker.write("part \(part) line \(number)") }
            let manager = try scratch.manager()
            try await follow(manager)
            #expect(await manager.finish(containerID: "x"))
            await manager.stop()
            try Files.remove("\(scratch.state)/x")
        }
        #expect(text(try Scratch.bytes(scratch.destination)) == text(docker.expected))
    }
}
