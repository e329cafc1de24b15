internal import Glibc
internal import Linux

/// What the configuration directory held at one moment.
public struct NetworkSnapshot: Sendable, Equatable {
    /// The network that new pods get: the first valid file's; nil when there is none.
    public var network: Network?
    /// The files that were passed over, and why.
    public var rejected: [String: String]

    /// Reads the directory: `*.conflist`, `*.conf` and `*.json` in the order of their names. Never fails: an unreadable
    /// directory is a rejected file. Where it has no network, pods get `substitute`.
    public static func load(_ directory: String, substitute: Network? = nil) -> NetworkSnapshot {
        var snapshot = read(directory: directory)
        if let substitute, snapshot.network == nil {
            snapshot.network = substitute
            snapshot.rejected[directory] = nil
        }
        return snapshot
    }

    private static func read(directory: String) -> NetworkSnapshot {
        var snapshot = NetworkSnapshot(network: nil, rejected: [:])
        let names: [String]
        do {
            names = try Files.names(in: directory)
        } catch {
            snapshot.rejected[directory] = "\(error)"
            return snapshot
        }
        for name in names where isConfiguration(name) {
            do {
                let network = try Network(file: name, in: directory)
                snapshot.network = snapshot.network ?? network
            } catch {
                snapshot.rejected[name] = (error as? CNIError)?.message ?? "\(error)"
            }
        }
        return snapshot
    }

    /// Whether a file of that name is one to read (libcni's `ConfFiles`).
    public static func isConfiguration(_ name: String) -> Bool {
        [".conflist", ".conf", ".json"].contains(where: name.hasSuffix)
    }

    /// A configuration file's bytes. A FIFO or a device in the directory must not hold us up.
    static func read(_ path: String) throws -> [UInt8] {
        let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
        guard try file.status().st_mode & S_IFMT == S_IFREG else {
            throw CNIError(.invalidConfiguration, message: "not a regular file")
        }
        return try Files.read(file, limit: 1 << 20, name: path)
    }
}
