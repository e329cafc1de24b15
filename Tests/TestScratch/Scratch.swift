internal import Glibc
internal import Linux

/// A directory of a test's own, removed with everything in it when the test lets it go.
public final class Scratch: Sendable {
    /// Its absolute path.
    public let path: String

    /// Makes the directory.
    public init() throws {
        var template = Array("/tmp/fender-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError(call: "mkdtemp", code: errno) }
        path = String(cString: made)
    }

    deinit {
        Self.remove(path)
    }

    /// The path of a file or directory in it.
    public func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file and makes the directories it needs; answers its path.
    @discardableResult
    public func write(_ name: String, _ text: String) throws -> String {
        try write(name, Array(text.utf8))
    }

    /// Writes a file and makes the directories it needs; answers its path.
    @discardableResult
    public func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = self(name)
        if let slash = file.lastIndex(of: "/") { try Files.makeDirectories(String(file[..<slash])) }
        try Files.replace(file, with: bytes, mode: 0o644)
        return file
    }

    /// Makes a directory; answers its path.
    @discardableResult
    public func directory(_ name: String) throws -> String {
        try Files.makeDirectories(self(name))
        return self(name)
    }

    private static func remove(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        for name in (try? Files.names(in: path)) ?? [] { remove("\(path)/\(name)") }
        rmdir(path)
    }
}
