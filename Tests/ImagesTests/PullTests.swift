import Glibc
import Linux
import Logging
import OCI
import Synchronization
import TestScratch
import Testing

@testable import Images

@Suite("a pull")
struct PullTests {
    private let scratch: Scratch
    private let image = FakeImage(file: "hello", "there")

    init() throws { scratch = try Scratch() }

    private func open(_ settings: ImageStoreSettings = ImageStoreSettings()) throws -> ImageStore {
        try ImageStore(directory: scratch("images"), settings: settings, logger: Logger(label: "test"))
    }

    /// Opens the store again once the last task of the old one has let it go.
    private func reopen() async throws -> ImageStore {
        for _ in 0..<1_000 {
            if let store = try? open() { return store }
            try await Task.sleep(for: .milliseconds(5))
        }
        return try open()
    }

    private func source(_ registry: FakeRegistry, tag: String? = "1", digest: String? = nil) -> PullSource {
        PullSource(registry: registry.host, repository: "app", tag: tag, digest: digest)
    }

    @Test("by tag, by digest, by both and by neither")
    func references() async throws {
        let registry = try FakeRegistry { [image] in image.response($0) }
        let store = try open()
        let name = "\(registry.host)/app"
        for (tag, digest) in [(nil, image.digest), ("1", image.digest), ("1", nil), (nil, nil)] as [(String?, String?)]
        {
            let pulled = try await store.pull(source(registry, tag: tag, digest: digest))
            #expect(pulled.id == image.id)
            #expect(pulled.repoDigests == ["\(name)@\(image.digest)"])
        }
        #expect(store.images().map(\.repoTags) == [["\(name):1", "\(name):latest"]])
        let made = try store.makeSnapshot("c", image: image.id)
        #expect(try Files.text("\(made.path)/hello") == "there")
        try store.removeSnapshot("c")
        let blobs = registry.requests.filter { $0.path.contains("/blobs/") }
        #expect(blobs.count == 2, "each blob moves once")
    }

    @Test("takes layers of every compression, whatever they are called", arguments: ["gzip", "zstd"])
    func compression(program: String) async throws {
        var tar = TarBuilder()
        tar.file("text", (0..<50_000).map { "line \($0)\n" }.joined())
        let packed = try await output("/usr/bin/\(program)", "-c", input: tar.archive)
        let image = FakeImage([packed, packed], unpacked: [tar.archive, tar.archive], type: MediaType.dockerLayer)
        let registry = try FakeRegistry { image.response($0) }
        let pulled = try await open().pull(source(registry))
        #expect(pulled.chainIDs.count == 2 && pulled.size > 1_000_000)
        #expect(registry.requests.filter { $0.path.contains("/blobs/") }.count == 2)
    }

    @Test("chooses what runs here from an index")
    func index() async throws {
        let other = FakeImage(file: "other", "x")
        let entries = [
            ("linux", "s390x", other), ("unknown", "unknown", other), ("linux", Platform.host.architecture, image),
        ]
        let index = JSON.object([
            .init("schemaVersion", .integer(2)), .init("mediaType", .string(MediaType.dockerList)),
            .init(
                "manifests",
                .array(
                    entries.map { os, architecture, image in
                        .object([
                            .init("mediaType", .string(MediaType.manifest)), .init("digest", .string(image.digest)),
                            .init("size", .integer(image.manifest.count)),
                            .init(
                                "platform",
                                .object([.init("os", .string(os)), .init("architecture", .string(architecture))])),
                        ])
                    })),
        ]).bytes
        let registry = try FakeRegistry { [image] request in
            request.path == "/v2/app/manifests/1"
                ? .init(headers: ["Content-Type: \(MediaType.dockerList)"], body: index) : image.response(request)
        }
        let pulled = try await open().pull(source(registry))
        #expect(pulled.id == image.id)
        #expect(pulled.repoDigests == ["\(registry.host)/app@\(Digest(of: index))"])
    }

    @Test("of one image by many at a time moves its bytes once")
    func singleFlight() async throws {
        let registry = try FakeRegistry { [image] in image.response($0) }
        let store = try open()
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 { group.addTask { try await store.pull(source(registry)).id } }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(ids == [image.id])
        let blobs = registry.requests.filter { $0.path.contains("/blobs/") }
        #expect(Set(blobs.map(\.path)).count == blobs.count)
    }

    @Test("goes on where a connection broke off, whether the registry knows ranges or not", arguments: [true, false])
    func resume(ranges: Bool) async throws {
        var tar = TarBuilder()
        tar.entry("0", "data", content: (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let image = FakeImage([tar.archive])
        let registry = try FakeRegistry { request in
            var plain = request
            if !ranges { plain.headers["range"] = nil }
            var response = image.response(plain)
            // Breaks off twice.
            let limit = request.rangeStart.map { $0 < 120_000 ? (ranges ? 60_000 : 150_000) : Int.max } ?? 70_000
            if response.body.count > 100_000 { response.cut = limit }
            return response
        }
        let pulled = try await open().pull(source(registry))
        #expect(pulled.id == image.id)
        #expect(registry.requests.compactMap(\.rangeStart).count >= 1)
    }

    @Test("goes on after a restart with what had arrived")
    func resumeAfterRestart() async throws {
        var tar = TarBuilder()
        tar.entry("0", "data", content: (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let image = FakeImage([tar.archive])
        let fails = Atomic(true)
        let registry = try FakeRegistry { request in
            var response = image.response(request)
            if fails.load(ordering: .relaxed) && response.body.count > 100_000 {
                if request.rangeStart == nil { response.cut = 90_000 } else { response = .status(403) }
            }
            return response
        }
        var store: ImageStore? = try open()
        await #expect(throws: ImageError.self) { try await store!.pull(source(registry)) }
        #expect(store!.images() == [])
        store = nil
        store = try await reopen()
        fails.store(false, ordering: .relaxed)
        #expect(try await store!.pull(source(registry)).id == image.id)
        #expect(registry.requests.last { $0.path.contains("/blobs/") }?.rangeStart == 90_000)
    }

    @Test("waits as long as a registry asks for, and tries again")
    func retry() async throws {
        let count = Atomic(0)
        let registry = try FakeRegistry { [image] request in
            count.add(1, ordering: .relaxed).newValue <= 2
                ? .status(429, "Retry-After: 0") : image.response(request)
        }
        #expect(try await open().pull(source(registry)).id == image.id)
    }

    @Test(
        "tells what is wrong",
        arguments: [
            (404, ImageError.Code.notFound), (401, .unauthorized), (403, .unauthorized), (503, .registryUnavailable),
            (418, .failed),
        ])
    func errors(status: Int, code: ImageError.Code) async throws {
        let registry = try FakeRegistry { _ in
            .init(
                status: status, headers: ["Retry-After: 3600"], body: Array(#"{"errors":[{"message":"no tea"}]}"#.utf8))
        }
        let error = await #expect(throws: ImageError.self) { try await open().pull(source(registry)) }
        #expect(error?.code == code && error?.description.contains("no tea") == true, "\(error?.description ?? "")")
    }

    @Test("of a registry that is not there fails at once")
    func unreachable() async throws {
        let port = try Listener().port
        let source = PullSource(registry: "127.0.0.1:\(port)", repository: "app", tag: "1")
        let error = await #expect(throws: ImageError.self) { try await open().pull(source) }
        #expect(error?.code == .registryUnavailable)
    }

    @Test("ends when it is cancelled, and leaves nothing but what had arrived")
    func cancellation() async throws {
        let arrived = try WakeEvent()
        let registry = try FakeRegistry { [image] request in
            if request.path.contains("/blobs/") {
                arrived.set()
                return .init(body: [UInt8](repeating: 0, count: 512), isEndless: true)
            }
            return image.response(request)
        }
        var tar = TarBuilder()
        tar.entry("0", "big", content: [], size: 1 << 33)
        let store = try open()
        let task = Task { try await store.pull(source(registry)) }
        try await DedicatedThread.run { while !arrived.wait(milliseconds: -1) {} }
        task.cancel()
        await #expect(throws: (any Error).self) { try await task.value }
        #expect(store.images() == [])
    }

    @Test("works with a real registry, filled by skopeo")
    func realRegistry() async throws {
        let registry = try await RealRegistry(scratch)
        defer { registry.stop() }
        let archive = try scratch.write("saved.tar", dockerArchive(image.layers))
        try await output(
            "/usr/bin/skopeo", "copy", "--insecure-policy", "--dest-tls-verify=false", "docker-archive:\(archive)",
            "docker://\(registry.host)/team/app:1")
        let store = try open()
        let pulled = try await store.pull(PullSource(registry: registry.host, repository: "team/app", tag: "1"))
        #expect(pulled.repoTags == ["\(registry.host)/team/app:1"])
        let raw = try await output(
            "/usr/bin/skopeo", "inspect", "--raw", "oci:\(scratch("images")):\(registry.host)/team/app:1")
        #expect(try JSON(parsing: raw)["config"]?["digest"] == .string(pulled.id))
        let absent = PullSource(registry: registry.host, repository: "team/app", tag: "2")
        let error = await #expect(throws: ImageError.self) { try await store.pull(absent) }
        #expect(error?.code == .notFound)
    }
}
