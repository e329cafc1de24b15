internal import Linux
internal import OCI

/// One value for one of a cgroup's files.
struct CgroupWrite: Equatable {
    /// v1 controller; empty on v2.
    var controller: String
    var file: String
    var value: String
    /// A kernel without the file is fine.
    var isOptional = false

    init(_ controller: String, _ file: String, _ value: some CustomStringConvertible, optional: Bool = false) {
        self.controller = controller
        self.file = file
        self.value = value.description
        isOptional = optional
    }
}

/// The cgroups of one container, whatever the layout of the machine.
protocol CgroupManager {
    /// Its directories with the v1 controllers of each; they are the container's own, and removed with it.
    var places: [CgroupRecord] { get }
    /// Makes the directories and sets what a new container needs.
    func create(_ resources: Resources) throws
    /// Sets what `resources` says, leaving the rest.
    func update(_ resources: Resources) throws
    /// All processes in it and below. A process about to join may be missed unless `everywhere` is asked for.
    func processes(everywhere: Bool) throws -> [Int32]
    /// Freezes or thaws, and waits until it is so.
    func freeze(_ frozen: Bool) throws
    var isFrozen: Bool { get }
    /// What `events --stats` prints of it.
    func statistics() -> JSON
}

/// A cgroup's directory as a container's state remembers it.
struct CgroupRecord: Equatable, Sendable {
    /// v1 controllers; none for v2.
    var controllers: [String]
    var directory: String
}

extension CgroupManager {
    var directories: [String] { places.map(\.directory) }

    /// Removes the directories with what is below them; processes in them must be gone.
    func remove() throws {
        for directory in directories { try CgroupDirectory.remove(directory) }
    }
}

/// What is the same for directories of both layouts.
enum CgroupDirectory {
    /// Removes a directory and the ones below. The kernel needs a moment after the last exit and tells nobody when
    /// it is over, hence the tries.
    static func remove(_ path: String) throws {
        var tries = 0
        while true {
            do {
                return try Files.removeDirectory(path)
            } catch let error as SystemError where error.code == Errno.busy && tries < 200 {
                if tries == 0 {
                    for name in children(of: path) { try remove("\(path)/\(name)") }
                } else {
                    Pause.milliseconds(5)
                }
                tries += 1
            }
        }
    }

    /// The processes in a directory and the ones below.
    static func processes(in path: String) throws -> [Int32] {
        guard let text = try? Files.text("\(path)/cgroup.procs", limit: 16 << 20) else { return [] }
        var pids = text.split(separator: "\n").compactMap { Int32($0) }
        for name in children(of: path) { pids += try processes(in: "\(path)/\(name)") }
        return pids
    }

    static func children(of path: String) -> [String] {
        ((try? Files.names(in: path)) ?? []).filter { Files.exists("\(path)/\($0)/cgroup.procs") }
    }

    static func write(_ value: String, to path: String, optional: Bool = false) throws {
        do {
            try Files.poke(path, value)
        } catch let error as SystemError {
            if optional && error.code == Errno.missing { return }
            throw ExecutorError("write \(value) to \(path): \(Errno.text(error.code))")
        }
    }

    /// A number in a file; nil when there is none.
    static func number(_ path: String) -> UInt64? { (try? Files.text(path)).flatMap { UInt64($0) } }
}
