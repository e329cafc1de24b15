/// What a container id and a path must look like before they are used.
enum LogPath {
    /// Throws `invalidName` unless the id can be a file name: letters, digits, `_`, `-` and, not first, `.`.
    static func check(containerID: String) throws {
        let fine = containerID.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard fine, !containerID.isEmpty, !containerID.hasPrefix("."), containerID.utf8.count <= 200 else {
            throw LogError(.invalidName, "use container id \"\(containerID)\"")
        }
    }

    /// The components of an absolute path without `.`, `..` or an empty one, at least two of them.
    ///
    /// Throws `invalidName` for any other.
    static func components(_ path: String) throws -> [String] {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        let fine = parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 255 }
        guard path.hasPrefix("/"), parts.count >= 2, fine, path.utf8.count < 4096, !path.utf8.contains(0) else {
            throw LogError(.invalidName, "use path \"\(path)\"")
        }
        return parts.map { String($0) }
    }
}
