internal import OCI

/// An image's configuration document, read.
struct ConfigurationDocument: Sendable {
    var configuration = ImageConfiguration()
    /// RFC 3339; empty when it does not say.
    var created: String
    /// The digests of its unpacked layers, from the bottom up.
    var layers: [Digest]

    /// Reads it. Throws ``ImageError`` or an error of the document's form.
    init(_ bytes: [UInt8]) throws {
        let field = Field(try JSON(parsing: bytes))
        created = try field["created"].string() ?? ""
        layers = try field["rootfs"]["diff_ids"].array { field in
            guard let digest = Digest(try field.required()) else { throw field.error("must be a sha256") }
            return digest
        }
        configuration.architecture = try field["architecture"].string() ?? ""
        configuration.os = try field["os"].string() ?? ""
        try read(field["config"])
    }

    private mutating func read(_ config: Field) throws {
        configuration.entrypoint = try config["Entrypoint"].strings()
        configuration.cmd = try config["Cmd"].strings()
        configuration.env = try config["Env"].strings()
        configuration.workingDir = try config["WorkingDir"].string() ?? ""
        configuration.user = try config["User"].string() ?? ""
        configuration.stopSignal = try config["StopSignal"].string() ?? ""
        configuration.volumes = try keys(config["Volumes"])
        configuration.exposedPorts = try keys(config["ExposedPorts"])
        configuration.labels = Dictionary(try config["Labels"].dictionary().map { ($0.key, $0.value) }) { $1 }
    }

    /// The keys of an object whose values are empty objects: how these documents write sets.
    private func keys(_ field: Field) throws -> [String] {
        guard let value = field.value else { return [] }
        guard case .object(let members) = value else { throw field.error("must be an object") }
        return try members.map { member in
            guard !member.key.utf8.contains(0) else { throw field.error("has a key with a NUL") }
            return member.key
        }.sorted()
    }
}
