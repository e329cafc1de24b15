internal import OCI

/// What is written down of a snapshot: what it needs to be kept and found after a crash.
struct SnapshotRecord: Sendable, Equatable {
    var image: String
    /// Chain ids from the bottom up.
    var layers: [Digest]
    var isReadOnly: Bool

    init(image: String, layers: [Digest], isReadOnly: Bool) {
        self.image = image
        self.layers = layers
        self.isReadOnly = isReadOnly
    }

    init(_ bytes: [UInt8]) throws {
        let field = Field(try JSON(parsing: bytes))
        image = try field["image"].required()
        layers = try field["layers"].array { field in
            guard let digest = Digest(try field.required()) else { throw field.error("must be a sha256") }
            return digest
        }
        isReadOnly = try field["readOnly"].bool()
    }

    var bytes: [UInt8] {
        JSON.object([
            .init("image", .string(image)), .init("layers", .array(layers.map { .string("\($0)") })),
            .init("readOnly", .bool(isReadOnly)),
        ]).bytes
    }
}
