internal import Glibc
internal import Linux
internal import OCI

/// Compiled filters by profile, kept beside the containers' states: compiling takes longer than all the rest of a
/// start.
///
/// A file holds the profile's text and its filter. The name is a short hash of the text; that it is the right one is
/// checked by comparing the text.
struct SeccompCache {
    let directory: String
    /// Changes with what the compiler makes of a profile.
    private static let version = 1
    /// How many filters are kept; a node that makes a profile for each pod begins anew then.
    static let limit = 256

    /// The filter of a profile, compiled when it is not known yet.
    func filter(_ seccomp: Seccomp) throws -> SeccompCompiler.Filter {
        let compiler = SeccompCompiler(seccomp)
        let path = "\(directory)/\(Self.version)-\(String(Self.hash(seccomp.text), radix: 16))"
        let (flags, notifies) = try compiler.flags()
        if let bytes = try? Files.read(path), let program = Self.program(in: bytes, of: seccomp.text) {
            return SeccompCompiler.Filter(program: program, flags: flags, notifies: notifies)
        }
        let filter = try compiler.compile()
        store(filter.program, of: seccomp.text, at: path)
        return filter
    }

    /// A cache that can't be written costs time and nothing else.
    private func store(_ program: [UInt8], of text: [UInt8], at path: String) {
        var bytes = withUnsafeBytes(of: UInt64(text.count).littleEndian) { [UInt8]($0) }
        bytes += text
        bytes += program
        let temporary = "\(path).\(getpid())"
        do {
            try Files.makeDirectories(directory, mode: 0o700)
            let known = try Files.names(in: directory)
            // Also what others are about to rename, which costs them no more than the time.
            if known.count >= Self.limit { for name in known { try Files.remove("\(directory)/\(name)") } }
            let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            try bytes.withUnsafeBytes { try file.writeAll($0) }
            try system("rename", path) { rename(temporary, path) }
        } catch {
            try? Files.remove(temporary)
        }
    }

    private static func program(in bytes: [UInt8], of text: [UInt8]) -> [UInt8]? {
        guard bytes.count > 8 + text.count, (bytes.count - 8 - text.count) % 8 == 0,
            bytes[..<8].elementsEqual(withUnsafeBytes(of: UInt64(text.count).littleEndian) { [UInt8]($0) }),
            bytes[8..<8 + text.count].elementsEqual(text)
        else { return nil }
        return [UInt8](bytes[(8 + text.count)...])
    }

    /// FNV-1a.
    static func hash(_ bytes: [UInt8]) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }
}
