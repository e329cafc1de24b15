import Glibc
import Linux
import Logging
import OCI
import TestScratch
import Testing

@testable import Images

@Suite("the image store")
struct ImageStoreTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func open(_ settings: ImageStoreSettings = ImageStoreSettings()) throws -> ImageStore {
        try ImageStore(directory: scratch("images"), settings: settings, logger: Logger(label: "test"))
    }

    private static let base: [UInt8] = {
        var tar = TarBuilder()
        tar.directory("./", mode: 0o711, owner: 5)
        tar.file("bin/sh", "base shell", mode: 0o4755)
        tar.file("etc/gone", "x")
        tar.file("data/old", "x")
        return tar.archive
    }()

    private static let top: [UInt8] = {
        var tar = TarBuilder()
        tar.directory("./", mode: 0o751, owner: 6)
        tar.file("etc/.wh.gone")
        tar.file("etc/new", "y")
        tar.file("data/.wh..wh..opq")
        return tar.archive
    }()

    private func write(_ name: String, _ bytes: [UInt8]) throws -> String { try scratch.write(name, bytes) }

    @Test("takes what docker save wrote, and still has it after a restart")
    func dockerSave() async throws {
        let config: [(String, JSON)] = [
            ("Env", .array([.string("A=b"), .string("odd")])), ("Cmd", .array([.string("sh")])),
            ("User", .string("7:8")), ("WorkingDir", .string("/w")), ("StopSignal", .string("SIGUSR1")),
            ("Volumes", .object([.init("/v", .object([]))])), ("ExposedPorts", .object([.init("80/tcp", .object([]))])),
            ("Labels", .object([.init("l", .string("m"))])), ("Entrypoint", .null),
        ]
        let path = try write("saved.tar", dockerArchive([Self.base, Self.top], config: config))
        var store: ImageStore? = try open()
        let images = try await store!.importArchive(at: path)
        let image = try #require(images.first)
        #expect(images.count == 1 && image.repoTags == ["example.org/app:1"] && image.repoDigests == [])
        #expect(image.configuration.env == ["A=b", "odd"] && image.configuration.cmd == ["sh"])
        #expect(image.configuration.user == "7:8" && image.configuration.volumes == ["/v"])
        #expect(image.configuration.labels == ["l": "m"] && image.configuration.exposedPorts == ["80/tcp"])
        #expect(image.configuration.stopSignal == "SIGUSR1" && image.configuration.workingDir == "/w")
        #expect(image.size == 13 && image.chainIDs.count == 2)
        let before = try #require(store).usage()
        #expect(before.bytes > 13 && before.inodes > 4)
        store = nil
        let again = try open()
        #expect(again.images() == [image])
        #expect(again.image(id: image.id) == image)
        #expect(again.usage() == before)
    }

    @Test("takes compressed archives and layers, and layers that stand twice", arguments: ["gzip", "zstd"])
    func compressed(program: String) async throws {
        let packed = try await output("/usr/bin/\(program)", "-c", input: Self.base)
        let archive = dockerArchive([packed, Self.top, packed], unpacked: [Self.base, Self.top, Self.base])
        let path = try write("saved.tar", try await output("/usr/bin/\(program)", "-c", input: archive))
        let images = try await open().importArchive(at: path, tags: ["example.org/other:2"])
        #expect(images.map(\.repoTags) == [["example.org/other:2"]])
    }

    @Test("is a layout that skopeo reads, and takes what skopeo writes")
    func skopeo() async throws {
        let path = try write("saved.tar", dockerArchive([Self.base, Self.top]))
        let image = try #require(try await open().importArchive(at: path).first)
        let place = "oci:\(scratch("images")):example.org/app:1"
        let inspected = try JSON(parsing: try await output("/usr/bin/skopeo", "inspect", "--raw", place))
        #expect(inspected["config"]?["digest"] == .string(image.id))
        let copy = scratch("copy.tar")
        try await output(
            "/usr/bin/skopeo", "copy", "--insecure-policy", "--format", "oci", place, "oci-archive:\(copy):other:1")
        let settings = ImageStoreSettings()
        let other = try ImageStore(directory: scratch("other"), settings: settings, logger: Logger(label: "test"))
        let taken = try await other.importArchive(at: copy) { "example.org/\($0)" }
        #expect(taken.map(\.id) == [image.id])
        #expect(taken.map(\.chainIDs) == [image.chainIDs])
        #expect(taken.map(\.repoTags) == [["example.org/other:1"]])
    }

    @Test("makes root file systems that containers write to and leaves layers as they are")
    func snapshots() async throws {
        let path = try write("saved.tar", dockerArchive([Self.base, Self.top]))
        let store = try open()
        let image = try #require(try await store.importArchive(at: path).first)
        let made = try store.makeSnapshot("c1", image: image.id)
        defer { try? store.removeSnapshot("c1") }
        #expect(store.snapshots() == ["c1"] && store.snapshot("c1") == made)
        let root = made.path
        #expect(try Files.names(in: root) == ["bin", "data", "etc"])
        #expect(try Files.names(in: "\(root)/etc") == ["new"])
        #expect(try Files.names(in: "\(root)/data") == [])
        #expect(try status(root).st_mode == S_IFDIR | 0o751 && status(root).st_uid == 6)
        #expect(try status("\(root)/bin/sh").st_mode == S_IFREG | 0o4755)
        try Files.replace("\(root)/etc/new", with: [1], mode: 0o644)
        #expect(try Files.read("\(try #require(made.upper))/etc/new") == [1])
        let other = try store.makeSnapshot("c2", image: image.id)
        #expect(try Files.text("\(other.path)/etc/new") == "y")
        #expect(throws: ImageError.self) { try store.makeSnapshot("c2", image: image.id) }
        try store.removeSnapshot("c2")
        try store.removeSnapshot("c2")
        #expect(!Files.exists(other.path) && store.snapshots() == ["c1"])
    }

    @Test("makes read-only root file systems", arguments: [1, 2])
    func readOnly(layers: Int) async throws {
        let path = try write("saved.tar", dockerArchive(Array([Self.base, Self.top].prefix(layers))))
        let store = try open()
        let image = try #require(try await store.importArchive(at: path).first)
        let made = try store.makeSnapshot("v", image: image.id, readOnly: true)
        #expect(made.upper == nil && Files.exists("\(made.path)/bin/sh"))
        let error = #expect(throws: SystemError.self) { try Files.replace("\(made.path)/new", with: [1]) }
        #expect(error?.code == EROFS)
        try store.removeSnapshot("v")
    }

    @Test("makes root file systems of an image without layers and of as many as there can be", arguments: [0, 127])
    func layerCounts(count: Int) async throws {
        let layers = (0..<count).map { index in
            var tar = TarBuilder()
            tar.file("f\(index)", "x")
            return tar.archive
        }
        let store = try open()
        let path = try write("saved.tar", dockerArchive(layers))
        let image = try #require(try await store.importArchive(at: path).first)
        let made = try store.makeSnapshot("c", image: image.id)
        defer { try? store.removeSnapshot("c") }
        #expect(try Files.names(in: made.path).count == count)
        try Files.replace("\(made.path)/new", with: [1])
    }

    @Test("refuses keys that are no file names", arguments: ["", ".", "..", ".hidden", "a/b", "a\u{0}b"])
    func keys(key: String) throws {
        let store = try open()
        #expect(throws: ImageError.self) { try store.makeSnapshot(key, image: "sha256:") }
        #expect(throws: ImageError.self) { try store.removeSnapshot(key) }
    }

    @Test("keeps the layers of a removed image as long as a snapshot is made of them")
    func removal() async throws {
        let store = try open()
        let image = try #require(
            try await store.importArchive(at: try write("saved.tar", dockerArchive([Self.base]))).first)
        let made = try store.makeSnapshot("c", image: image.id)
        try store.remove(id: image.id)
        try store.remove(id: image.id)
        #expect(store.images() == [] && store.image(id: image.id) == nil)
        #expect(try Files.text("\(made.path)/bin/sh") == "base shell")
        let error = #expect(throws: ImageError.self) { try store.makeSnapshot("d", image: image.id) }
        #expect(error?.code == .notFound)
        try store.removeSnapshot("c")
        try store.collectGarbage()
        for place in ["blobs/sha256", "layers", "tmp", "snapshots"] {
            #expect(try Files.names(in: scratch("images/\(place)")) == [])
        }
        #expect(store.usage() == (0, 0))
    }

    @Test("gives a tag to the image that has it last")
    func tags() async throws {
        let store = try open()
        let first = try #require(
            try await store.importArchive(at: try write("a.tar", dockerArchive([Self.base]))).first)
        let second = try #require(
            try await store.importArchive(at: try write("b.tar", dockerArchive([Self.base, Self.top]))).first)
        #expect(second.repoTags == ["example.org/app:1"])
        #expect(store.image(id: first.id) == nil)
    }

    @Test("recovers from a crash at any point")
    func crash() async throws {
        var store: ImageStore? = try open()
        let image = try #require(
            try await store!.importArchive(at: try write("saved.tar", dockerArchive([Self.base]))).first)
        let made = try store!.makeSnapshot("c", image: image.id)
        _ = try store!.makeSnapshot("broken", image: image.id)
        store = nil
        try scratch.write("images/tmp/layer-1/diff/half", "x")
        try scratch.write("images/tmp/removed-1/diff/half", "x")
        try scratch.write("images/tmp/partial-\(String(repeating: "a", count: 64))", "x")
        try scratch.write("images/snapshots/.temporary-3/upper/half", "x")
        try scratch.write("images/snapshots/broken/snapshot", "{")
        let again = try open()
        #expect(again.images() == [image])
        #expect(again.snapshots() == ["c"] && again.snapshot("c") == made)
        #expect(try Files.names(in: scratch("images/snapshots")) == ["c"])
        #expect(try Files.names(in: scratch("images/tmp")).allSatisfy { $0.hasPrefix("partial-") })
        #expect(!Files.exists(scratch("images/snapshots/broken")))
        try again.removeSnapshot("c")
        #expect(try MountTable.read().allSatisfy { !$0.point.hasPrefix(scratch.path) })
    }

    @Test("drops an image of which something is missing", arguments: ["layers", "blobs/sha256"])
    func missing(place: String) async throws {
        var store: ImageStore? = try open()
        let path = try write("saved.tar", dockerArchive([Self.base]))
        let image = try #require(try await store!.importArchive(at: path).first)
        store = nil
        let directory = scratch("images/\(place)")
        for name in try Files.names(in: directory) { try DirectoryTree.remove("\(directory)/\(name)") }
        store = try open()
        #expect(store!.images() == [])
        #expect(try await store!.importArchive(at: path) == [image])
    }

    @Test("is open once at a time")
    func exclusive() throws {
        let store = try open()
        #expect(throws: ImageError.self) { try open() }
        _ = store
    }

    static let badArchives: [String: [UInt8]] = [
        "empty": [], "text": Array("hello".utf8), "no manifest": TarBuilder().archive,
        "wrong digest": dockerArchive([[0]], unpacked: [[1]]), "layer that is no archive": dockerArchive([[1, 2, 3]]),
        "more layers than digests": dockerArchive([base, top], unpacked: [base]),
        "cut short": Array(dockerArchive([base]).prefix(2_000)),
    ]

    @Test("refuses a bad archive and keeps nothing of it", arguments: badArchives.keys.sorted())
    func refused(kind: String) async throws {
        let store = try open()
        let path = try write("bad.tar", try #require(Self.badArchives[kind]))
        let error = await #expect(throws: ImageError.self) { try await store.importArchive(at: path) }
        #expect(error?.code == .invalid, "\(error?.description ?? "")")
        #expect(store.images() == [])
        try store.collectGarbage()
        for place in ["blobs/sha256", "layers", "tmp"] {
            #expect(try Files.names(in: scratch("images/\(place)")) == [])
        }
    }
}
