/// A path of an archive, as a path below the layer's directory.
struct LayerPath: Equatable {
    /// The directory it is in; empty for the layer's directory.
    let parent: String
    /// The last part; empty for the layer's directory itself.
    let name: String

    /// Takes `.`, `..` and slashes out of a path by its text, as containerd and Docker do. Throws ``ImageError`` when
    /// it leads out of the layer; one that begins with a slash begins at the layer's directory.
    init(_ path: String) throws {
        guard let parts = Self.parts(path, isClamped: false) else {
            throw ImageError(.invalid, "\(path.debugDescription) leads out of the layer")
        }
        self.init(parts)
    }

    /// Where a link leads as a process sees it that has the layer's directory as its root: `..` stays there.
    init(ofLink target: String) {
        self.init(Self.parts(target, isClamped: true) ?? [])
    }

    /// Nil when the path leads out.
    private static func parts(_ path: String, isClamped: Bool) -> [Substring]? {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(part)
            } else if parts.popLast() == nil && !isClamped {
                return nil
            }
        }
        return parts
    }

    private init(_ parts: [Substring]) {
        var parts = parts
        name = parts.popLast().map(String.init) ?? ""
        parent = parts.joined(separator: "/")
    }

    var whole: String { parent.isEmpty ? name : "\(parent)/\(name)" }
}
