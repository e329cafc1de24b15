internal import BackEnd
internal import CDI
internal import CRI
internal import Images
internal import Linux
internal import NRI
internal import OCI
internal import Runtime

/// A container that is being created: its files first, then what plugins change, then its place in the World.
actor NativeCreation: PluginCreation {
    private let runtime: NativeRuntime
    private let id: String
    private let sandbox: SandboxRecord
    private let request: CreateContainerRequest
    private let image: ImageRecord
    private let stored: StoredImage
    private let ticket: Ticket
    private var made: PreparedContainer?
    private var wanted = NRIContainerAdjustment()

    init(
        _ runtime: NativeRuntime, _ id: String, _ sandbox: SandboxRecord, _ request: CreateContainerRequest,
        _ image: ImageRecord, _ stored: StoredImage, _ ticket: Ticket
    ) {
        self.runtime = runtime
        self.id = id
        self.sandbox = sandbox
        self.request = request
        self.image = image
        self.stored = stored
        self.ticket = ticket
    }

    private var path: String { "\(runtime.containers.directory(id))/config.json" }

    /// Makes its files.
    @discardableResult
    func make() async throws -> String {
        made = try await runtime.prepare(id, sandbox, request, stored)
        return id
    }

    func plain() async throws -> NRIContainer {
        var container = NRIContainer(spec: try JSON(parsing: Files.read(path)))
        container.id = id
        container.podSandboxID = sandbox.id
        container.name = request.config.metadata.name
        container.labels = request.config.labels
        container.image.name = request.config.image.givenName
        container.image.configDigest = image.id
        return container
    }

    func adjust(_ adjustment: NRIContainerAdjustment) async throws -> String {
        wanted = adjustment
        let names = adjustment.cdiDevices.map(\.name)
        var change = SpecAdjustment(wanted: adjustment)
        if !names.isEmpty { change.cdi = try await runtime.cdi(names) }
        try await DedicatedThread.run { [path, change] in
            for mount in change.wanted.mounts where mount.options.contains(where: { $0 == "bind" || $0 == "rbind" }) {
                guard Removal.of(mount.destination) != nil || Files.exists(mount.source) else {
                    throw RuntimeError(
                        .invalidArgument, "NRI: mount \(mount.destination): \(mount.source): no such file or directory")
                }
            }
            let spec = try change.apply(to: JSON(parsing: Files.read(path)))
            try Files.replace(path, with: spec.bytes, isDurable: false)
        }
        return id
    }

    func commit() async throws {
        guard let made else { throw RuntimeError(.internalError, "container \(id): it was not made") }
        var status = runtime.status(id, request, image, made)
        status.resources.linux = status.resources.linux.adjusted(by: wanted)
        try runtime.containers.save(id, status)
        try runtime.world.put(runtime.record(sandbox.id, request, status, layer: made.layer), ticket)
    }
}
