internal import Glibc
internal import Linux

/// One small file a container in the state directory, replaced by rename.
///
/// Nothing is synced to the disk: a killed process leaves all to the kernel, and after a power loss an unreadable
/// checkpoint is one that is not there.
struct CheckpointStore: Sendable {
    let directory: String

    /// Makes the directory if it is missing.
    init(directory: String) throws {
        self.directory = directory
        if !Files.exists(directory) { try Files.makeDirectories(directory, mode: 0o700) }
        for name in try Files.names(in: directory) where name.hasPrefix(".") {
            try Files.remove("\(directory)/\(name)")
        }
    }

    func load(_ containerID: String) -> Checkpoint? {
        (try? Files.read(path(containerID), limit: 64 << 10)).flatMap(Checkpoint.init(encoded:))
    }

    func save(_ checkpoint: Checkpoint, _ containerID: String) throws {
        let temporary = "\(directory)/.\(containerID)"
        do {
            let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
            try checkpoint.encoded.withUnsafeBytes { bytes in try file.writeAll(bytes) }
            try system("rename", temporary) { rename(temporary, path(containerID)) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    func remove(_ containerID: String) throws {
        try Files.remove(path(containerID))
    }

    /// The containers that have a checkpoint.
    func containerIDs() throws -> [String] {
        try Files.names(in: directory).filter { !$0.hasPrefix(".") }
    }

    private func path(_ containerID: String) -> String { "\(directory)/\(containerID)" }
}
