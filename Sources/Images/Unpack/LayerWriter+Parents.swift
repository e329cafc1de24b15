internal import CLinux
internal import Glibc
internal import Linux

extension LayerWriter {
    /// The directory at a path without `..`; its missing parts are made.
    func directory(_ path: String) throws -> Directory {
        if let recent, recent.path == path { return recent }
        if path.isEmpty { return root }
        let found: Directory
        do {
            found = try existing(path)
        } catch let error as SystemError where [ENOENT, ENOTDIR].contains(error.code) {
            try makeParents(path)
            found = try existing(path)
        }
        recent = found
        return found
    }

    func existing(_ path: String) throws -> Directory {
        if path.isEmpty { return root }
        return Directory(path, try Descriptor.open(path, inRoot: root.file, CInt(FENDER_O_PATH) | O_DIRECTORY))
    }

    private func makeParents(_ path: String) throws {
        var parent = root
        for part in path.split(separator: "/") {
            let whole = parent.path.isEmpty ? String(part) : "\(parent.path)/\(part)"
            do {
                parent = try existing(whole)
            } catch let error as SystemError where [ENOENT, ENOTDIR].contains(error.code) {
                try makeParent(String(part), in: parent)
                parent = try existing(whole)
            }
        }
    }

    /// Makes a directory that the archive needs and has no entry of; where a link leads nowhere, what it leads to.
    private func makeParent(_ name: String, in parent: Directory) throws {
        let at = parent.file.raw
        do {
            try system("mkdir") { mkdirat(at, name, 0o755) }
            usage.inodes += 1
        } catch let error as SystemError where error.code == EEXIST {
            let found = try status(name, in: parent)
            if found.st_mode & S_IFMT == S_IFLNK { return try makeTarget(of: name, in: parent) }
            guard found.isWhiteout else { throw ImageError(.invalid, "\(name.debugDescription) is no directory") }
            try remove(name, in: parent)
            try system("mkdir") { mkdirat(at, name, 0o755) }
            try setOpaque(name, in: parent)
        }
    }

    private func makeTarget(of link: String, in parent: Directory) throws {
        linkBudget -= 1
        guard linkBudget > 0 else { throw ImageError(.invalid, "too many links that lead nowhere") }
        let at = parent.file.raw
        let target = try Files.linkTarget(link, at: at)
        let path = LayerPath(ofLink: target.hasPrefix("/") ? target : "\(parent.path)/\(target)").whole
        // A link to itself, or a ring of them, would have us go round.
        guard !path.isEmpty, path != (parent.path.isEmpty ? link : "\(parent.path)/\(link)") else {
            throw ImageError(.invalid, "\(link.debugDescription) leads nowhere")
        }
        try makeParents(path)
    }
}

extension stat {
    var isWhiteout: Bool { st_mode & S_IFMT == S_IFCHR && st_rdev == 0 }
}
