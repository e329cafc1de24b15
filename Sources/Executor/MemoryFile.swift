internal import CExecutor
internal import Glibc
internal import Linux

/// Files that only memory holds.
enum MemoryFile {
    /// An empty one; `name` is for people.
    static func make(_ name: String) throws -> Descriptor {
        Descriptor(owning: try system("memfd_create", name) { fender_memory_file(name) })
    }

    /// One that holds `bytes`, at its start.
    static func make(_ name: String, holding bytes: [UInt8]) throws -> Descriptor {
        let file = try make(name)
        try bytes.withUnsafeBytes { try file.writeAll($0) }
        return file
    }
}
