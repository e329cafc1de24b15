internal import Glibc
internal import Linux

/// The CDI devices of this node: what the specification files define.
///
/// Files are JSON, or YAML as far as CDI tools write it; what cannot be used is in ``problems``.
public struct CDIRegistry: Sendable {
    private struct Definition: Sendable {
        var priority: Int
        var file: String
        var edits: CDIEdits
        /// Other files of the same priority that define the device too.
        var conflicts: [String] = []
    }

    /// The standard directories, the later of higher priority.
    public static let standardDirectories = ["/etc/cdi", "/var/run/cdi"]
    /// The most bytes a specification file may have.
    public static let limit = 4 << 20

    private var devices: [String: Definition] = [:]
    /// Why files were left out: "file: reason".
    public private(set) var problems: [String] = []

    /// Reads all specification files of the directories, the later of higher priority; absent directories
    /// are empty. Never throws: a file that cannot be used is a problem of its own devices only.
    public init(directories: [String] = standardDirectories) {
        for (priority, directory) in directories.enumerated() {
            let names = (try? Files.names(in: directory)) ?? []
            for name in names { load("\(directory)/\(name)", priority: priority) }
        }
    }

    /// The qualified names of all devices, sorted.
    public var names: [String] { devices.keys.sorted() }

    /// All that the named devices change about a container, in their order.
    ///
    /// Edits that a specification makes for any of its devices come once. Throws ``CDIError`` naming the
    /// devices that are malformed, unknown, or defined by two files of the same priority.
    public func edits(for names: [String]) throws -> CDIEdits {
        var result = CDIEdits()
        var files: Set<String> = []
        var seen: Set<CDIDeviceName> = []
        for text in names {
            let name = try CDIDeviceName(text)
            guard seen.insert(name).inserted else { continue }
            guard let definition = devices[name.description] else {
                throw CDIError("inject CDI device \(name): no specification defines it" + hint)
            }
            guard definition.conflicts.isEmpty else {
                let rivals = ([definition.file] + definition.conflicts).joined(separator: ", ")
                throw CDIError("inject CDI device \(name): several specifications define it: \(rivals)")
            }
            if files.insert(definition.file).inserted, let common = commons[definition.file] {
                result.append(try common.resolved(for: text))
            }
            result.append(try definition.edits.resolved(for: text))
        }
        return result
    }

    private var commons: [String: CDIEdits] = [:]

    private var hint: String { problems.isEmpty ? "" : " (unusable: \(problems.joined(separator: "; ")))" }

    private mutating func load(_ file: String, priority: Int) {
        let isYAML = file.hasSuffix(".yaml") || file.hasSuffix(".yml")
        guard isYAML || file.hasSuffix(".json") else { return }
        do {
            let bytes = try Self.read(file)
            let specification = try CDISpecification.parse(
                isYAML ? YAMLSubset.json(String(decoding: bytes, as: UTF8.self)) : bytes)
            commons[file] = specification.containerEdits.map(CDIEdits.init)
            for device in specification.devices {
                let edits = device.containerEdits.map(CDIEdits.init) ?? CDIEdits()
                define("\(specification.kind)=\(device.name)", .init(priority: priority, file: file, edits: edits))
            }
        } catch {
            problems.append("\(file): \(error)")
        }
    }

    private static func read(_ path: String) throws -> [UInt8] {
        // O_NONBLOCK: a FIFO must not hold us.
        let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        guard try file.status().st_mode & S_IFMT == S_IFREG else {
            throw CDIError("read CDI specification: not a regular file")
        }
        return try Files.read(file, limit: limit, name: path)
    }

    private mutating func define(_ name: String, _ definition: Definition) {
        if let present = devices[name], present.priority == definition.priority {
            devices[name]?.conflicts.append(definition.file)
        } else {
            devices[name] = definition
        }
    }
}
