import Glibc
import Images
import Logging

/// Pulls, imports, makes and removes in a store, without end: what the crash tests kill at any moment.
@main
enum Probe {
    static func main() async throws {
        // Should whoever kills it die first.
        alarm(60)
        let arguments = CommandLine.arguments
        let store = try ImageStore(directory: arguments[1], logger: Logger(label: "probe"))
        let source = PullSource(registry: arguments[2], repository: "app", tag: "1")
        // Not print, which keeps it until there is more.
        _ = "open\n".withCString { write(1, $0, 5) }
        // Those of a run that was killed.
        for key in store.snapshots() { try store.removeSnapshot(key) }
        for round in 0... {
            let pulled = try await store.pull(source)
            _ = try store.makeSnapshot("pulled-\(round)", image: pulled.id)
            let imported = try await store.importArchive(at: arguments[3])
            for image in imported { _ = try store.makeSnapshot("imported-\(round)", image: image.id) }
            try store.remove(id: pulled.id)
            for key in store.snapshots().dropLast(2) { try store.removeSnapshot(key) }
            for image in imported { try store.remove(id: image.id) }
            try store.collectGarbage()
        }
    }
}
