internal import Glibc
internal import Linux

/// The cgroups one process or container is in: a directory in each hierarchy.
///
/// It stays usable after the process that it was found by has gone, as long as the directories are there.
public struct Cgroup: Sendable, Equatable {
    /// A directory of one hierarchy.
    struct Place: Sendable, Equatable {
        /// Where the hierarchy is mounted.
        var mount: String
        /// The path below the mount, with a leading slash.
        var path: String

        var isRoot: Bool { path == "/" }
        var directory: String { isRoot ? mount : mount + path }
    }

    var legacy: [String: Place] = [:]
    var unified: Place?

    init() {}

    /// The directory in the v2 hierarchy, if there is one.
    public var unifiedDirectory: String? { unified?.directory }

    /// The directory whose files control `controller` (`memory`, `cpu`, `cpuset`, `hugetlb`, …): in v1 where
    /// that has the controller, else in v2.
    public func directory(of controller: String) -> String? {
        place(of: controller)?.directory
    }

    /// The text of a control file without trailing white space; nil when the controller or file is absent.
    public func read(_ file: String, of controller: String) throws -> String? {
        guard let directory = directory(of: controller) else { return nil }
        do {
            return try Self.open(file, in: directory, O_RDONLY) { opened in
                let bytes = try Files.read(opened, limit: 1 << 20, name: file)
                let end = bytes.lastIndex { $0 > 0x20 }.map { $0 + 1 } ?? 0
                return String(decoding: bytes[..<end], as: UTF8.self)
            }
        } catch let error as SystemError where error.code == ENOENT || error.code == ENODEV {
            return nil
        }
    }

    /// Writes a control file with one write(2). Throws ``CgroupError`` when the controller is absent or the
    /// kernel refuses.
    public func write(_ text: String, to file: String, of controller: String) throws {
        guard let place = place(of: controller) else {
            throw CgroupError("write \(file): no hierarchy has the controller \(controller)")
        }
        try Self.write(text, to: file, in: place)
    }

    func isUnified(_ controller: String) -> Bool { legacy[controller] == nil }

    func place(of controller: String) -> Place? { legacy[controller] ?? unified }

    static func write(_ text: String, to file: String, in place: Place) throws {
        guard !place.isRoot else { throw CgroupError("write \(file): the process is in the root cgroup") }
        do {
            try open(file, in: place.directory, O_WRONLY) { opened in
                try Array(text.utf8).withUnsafeBytes { try opened.writeAll($0) }
            }
        } catch let error as SystemError {
            throw CgroupError("write \(text.debugDescription) to \(place.directory)/\(file): \(error)")
        }
    }

    /// Opens a file that is directly in the directory, whatever its name is made of.
    private static func open<Result>(
        _ file: String, in directory: String, _ flags: CInt, _ body: (borrowing Descriptor) throws -> Result
    ) throws -> Result {
        guard !file.isEmpty, file != ".", file != "..", !file.utf8.contains(where: { $0 == 0x2f || $0 == 0 }) else {
            throw CgroupError("open control file \(file.debugDescription): not a file name")
        }
        return try body(try Descriptor.open("\(directory)/\(file)", flags | O_NOFOLLOW))
    }
}
