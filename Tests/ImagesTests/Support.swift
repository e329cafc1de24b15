import Glibc
import Linux
import OCI
import TestScratch

@testable import Images

/// The permission bits, owner and kind of what a path names, not followed.
func status(_ path: String) throws -> stat {
    var status = stat()
    try system("lstat", path) { lstat(path, &status) }
    return status
}

/// Runs a program and answers its output. Throws when it fails.
@discardableResult
func output(_ path: String, _ arguments: String..., input: [UInt8] = []) async throws -> [UInt8] {
    var command = Command(path)
    command.arguments = arguments
    command.input = input
    command.outputLimit = 64 << 20
    command.environment = ["PATH=/usr/bin:/bin"]
    let outcome = try await command.run()
    guard outcome.status == .exited(0) else {
        throw ImageError(.failed, "\(path): \(String(decoding: outcome.errors, as: UTF8.self))")
    }
    return outcome.output
}

/// Unpacks a layer; answers what it takes.
@discardableResult
func unpack(
    _ layer: [UInt8], of archive: [UInt8]? = nil, into directory: String, parts: Int = 4096,
    limits: ExpansionLimits = ExpansionLimits(bytes: 1 << 30, factor: 200)
) throws -> LayerUsage {
    try Files.makeDirectories(directory)
    return try LayerUnpack.run(into: directory, diffID: Digest(of: archive ?? layer), limits: limits) { decompressor in
        for start in stride(from: 0, to: layer.count, by: parts) {
            try layer[start..<min(start + parts, layer.count)].withUnsafeBytes { try decompressor.feed($0) }
        }
    }
}

/// An image as `docker save` writes it.
func dockerArchive(
    _ layers: [[UInt8]], unpacked: [[UInt8]]? = nil, names: [String] = ["example.org/app:1"],
    config: [(String, JSON)] = []
) -> [UInt8] {
    let digests = (unpacked ?? layers).map { JSON.string("\(Digest(of: $0))") }
    let document = JSON.object([
        .init("architecture", .string(Platform.host.architecture)), .init("os", .string("linux")),
        .init("config", .compact(config)),
        .init("rootfs", .object([.init("type", .string("layers")), .init("diff_ids", .array(digests))])),
    ])
    var tar = TarBuilder()
    for (index, layer) in layers.enumerated() { tar.entry("0", "\(index)/layer.tar", content: layer) }
    tar.entry("0", "config.json", content: document.bytes)
    let manifest = JSON.array([
        .object([
            .init("Config", .string("config.json")), .init("RepoTags", .array(names.map { .string($0) })),
            .init("Layers", .array(layers.indices.map { .string("\($0)/layer.tar") })),
        ])
    ])
    tar.entry("0", "manifest.json", content: manifest.bytes)
    return tar.archive
}
