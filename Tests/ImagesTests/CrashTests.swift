import CLinux
import Glibc
import Linux
import Logging
import TestScratch
import Testing

@testable import Images

/// A machine that does the worst: kills at any moment, full disks.
@Suite("the image store on a bad day")
struct CrashTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func open(_ directory: String) throws -> ImageStore {
        try ImageStore(directory: directory, logger: Logger(label: "test"))
    }

    /// A layer of many small files.
    private static func layer(_ name: String, files: Int = 200) -> [UInt8] {
        var tar = TarBuilder()
        for index in 0..<files { tar.file("\(name)/\(index)", String(repeating: name, count: 100)) }
        return tar.archive
    }

    @Test("is whole after a kill at any moment, and gives everything back")
    func kills() async throws {
        let layers = ["a", "b", "c"].map { Self.layer($0) }
        let image = FakeImage(layers)
        let registry = try FakeRegistry { image.response($0) }
        let archive = try scratch.write("saved.tar", dockerArchive(Array(layers.reversed())))
        let directory = scratch("images")
        for round in 0..<25 {
            let probe = try Child.spawn(
                "exec \(try Self.probe()) \(directory) \(registry.host) \(archive)", awaiting: "open")
            // Any moment is as good as another; over many rounds they are spread over all that it does.
            usleep(UInt32(round * 7_919 % 120) * 1_000)
            kill(probe, SIGKILL)
            #expect(Child.reap(probe) == SIGKILL, "it ended by itself")
            let store = try open(directory)
            try check(store, directory)
            for key in store.snapshots() where round.isMultiple(of: 3) { try store.removeSnapshot(key) }
        }
        let store = try open(directory)
        for key in store.snapshots() { try store.removeSnapshot(key) }
        for image in store.images() { try store.remove(id: image.id) }
        try store.collectGarbage()
        for place in ["blobs/sha256", "layers", "tmp", "snapshots"] {
            #expect(try Files.names(in: "\(directory)/\(place)") == [])
        }
        #expect(try MountTable.read().allSatisfy { !$0.point.hasPrefix(scratch.path) })
    }

    /// Every blob has its digest, and every image all that it needs.
    private func check(_ store: ImageStore, _ directory: String) throws {
        for name in try Files.names(in: "\(directory)/blobs/sha256") {
            #expect(Digest(of: try Files.read("\(directory)/blobs/sha256/\(name)")).hex == name)
        }
        for image in store.images() {
            for chain in image.chainIDs {
                #expect(try Files.names(in: "\(directory)/layers/\(chain.dropFirst(7))/diff").count == 1)
            }
            let made = try store.makeSnapshot("check", image: image.id)
            #expect(try Files.names(in: made.path) == ["a", "b", "c"])
            #expect(try Files.names(in: "\(made.path)/b").count == 200)
            try store.removeSnapshot("check")
        }
    }

    /// The program beside this one.
    private static func probe() throws -> String {
        let own = try Files.linkTarget("/proc/self/exe")
        return "\(own[..<(own.lastIndex(of: "/") ?? own.startIndex)])/image-store-probe"
    }

    @Test("says that the disk is full, keeps nothing of the attempt, and goes on when there is room")
    func diskFull() async throws {
        let directory = try scratch.directory("small")
        try system("mount") { fender_mount("tmpfs", directory, "tmpfs", 0, "size=3m") }
        defer { fender_detach_mount(directory) }
        let store = try open("\(directory)/images")
        let small = FakeImage(file: "hello", "there")
        var tar = TarBuilder()
        tar.entry("0", "big", content: (0..<4 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let big = FakeImage([tar.archive])
        let registry = try FakeRegistry { request in
            var named = request
            named.path = request.path.replacing("/big/", with: "/app/")
            return request.path.contains("/big/") ? big.response(named) : small.response(request)
        }
        let pulled = try await store.pull(PullSource(registry: registry.host, repository: "app", tag: "1"))
        let source = PullSource(registry: registry.host, repository: "big", tag: "1")
        let error = await #expect(throws: ImageError.self) { try await store.pull(source) }
        #expect(error?.code == .noSpace, "\(error?.description ?? "")")
        let path = try scratch.write("saved.tar", dockerArchive([tar.archive]))
        let importing = await #expect(throws: ImageError.self) { try await store.importArchive(at: path) }
        #expect(importing?.code == .noSpace, "\(importing?.description ?? "")")
        #expect(store.images().map(\.id) == [pulled.id])
        #expect(try Files.names(in: "\(directory)/images/tmp") == [])
        #expect(try Files.names(in: "\(directory)/images/layers").count == 1)
        let remount = UInt(FENDER_MS_REMOUNT)
        try system("remount") { fender_mount("tmpfs", directory, "tmpfs", remount, "size=64m") }
        #expect(try await store.pull(source).id == big.id)
        #expect(store.images().count == 2)
    }

    @Test("collects no garbage that a pull needs at the same time")
    func garbageRace() async throws {
        let image = FakeImage(["a", "b", "c"].map { Self.layer($0, files: 20) })
        let registry = try FakeRegistry { image.response($0) }
        let store = try open(scratch("images"))
        let source = PullSource(registry: registry.host, repository: "app", tag: "1")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for round in 0..<30 {
                    let pulled = try await store.pull(source)
                    // Removed between the two by the other task, or not.
                    try await DedicatedThread.run {
                        guard let made = try? store.makeSnapshot("s\(round)", image: pulled.id) else { return }
                        #expect(try Files.names(in: made.path) == ["a", "b", "c"])
                        #expect(try Files.names(in: "\(made.path)/b").count == 20)
                        try store.removeSnapshot("s\(round)")
                    }
                }
            }
            group.addTask {
                for _ in 0..<60 {
                    try await DedicatedThread.run {
                        for image in store.images() { try store.remove(id: image.id) }
                        try store.collectGarbage()
                    }
                }
            }
            try await group.waitForAll()
        }
        for image in store.images() { try store.remove(id: image.id) }
        #expect(try Files.names(in: scratch("images/blobs/sha256")) == [])
    }

    @Test("leaves nothing open, whether things go well or not")
    func leaks() async throws {
        let image = FakeImage([Self.layer("a", files: 3)])
        let bad = FakeImage([[1, 2, 3]])
        let registry = try FakeRegistry { request in
            var named = request
            named.path = request.path.replacing("/bad/", with: "/app/")
            return request.path.contains("/bad/") ? bad.response(named) : image.response(request)
        }
        let path = try scratch.write("saved.tar", dockerArchive([Self.layer("b", files: 3)]))
        let broken = try scratch.write("broken.tar", dockerArchive([[1, 2, 3]]))
        let store = try open(scratch("images"))
        func use() async throws {
            for image in store.images() { try store.remove(id: image.id) }
            let pulled = try await store.pull(PullSource(registry: registry.host, repository: "app", tag: "1"))
            _ = try store.makeSnapshot("c", image: pulled.id)
            try store.removeSnapshot("c")
            _ = try await store.importArchive(at: path)
            await #expect(throws: ImageError.self) {
                try await store.pull(PullSource(registry: registry.host, repository: "bad", tag: "1"))
            }
            await #expect(throws: ImageError.self) { try await store.importArchive(at: broken) }
        }
        // What the process opens once, such as for random numbers.
        try await use()
        let before = try await settled()
        for _ in 0..<5 { try await use() }
        #expect(try await settled() <= before)
        #expect(try Files.names(in: scratch("images/tmp")) == [])
    }

    /// How many descriptors are open, once threads and tasks that have done their work are gone.
    private func settled() async throws -> Int {
        var (count, steady) = (-1, 0)
        while steady < 10 {
            let now = try Files.names(in: "/proc/self/fd").count
            (count, steady) = now == count ? (now, steady + 1) : (now, 0)
            try await Task.sleep(for: .milliseconds(20))
        }
        return count
    }
}
