internal import Executor
internal import Glibc
internal import Linux
internal import OCI

/// Containers made as the daemon makes them, without a fender-oci: one for each line of the input, which is an id.
/// Answers with the milliseconds from the call to the last trace gone, or, after `exec`, of an exec of `true` in it.
@main
struct Bench {
    /// Arguments: `life` or `exec`, the monitor, the store, the bundle.
    static func main() throws {
        let arguments = CommandLine.arguments
        let store = ContainerStore(root: arguments[3], monitor: arguments[2])
        let output = Descriptor(owning: dup(STDOUT_FILENO))
        while let id = readLine() {
            let took = arguments[1] == "exec" ? try exec(store, id) : try life(store, id, bundle: arguments[4])
            let milliseconds = Double(took.components.attoseconds) / 1e15 + Double(took.components.seconds) * 1e3
            try Array("\(milliseconds)\n".utf8).withUnsafeBytes { try output.writeAll($0) }
        }
    }

    private static func life(_ store: ContainerStore, _ id: String, bundle: String) throws -> Duration {
        let options = SupervisorOptions(bundle: bundle)
        let began = ContinuousClock.now
        let container = try store.supervise(id, options)
        _ = try container.start()
        guard container.waitForSupervisor(milliseconds: 10_000) else { throw ExecutorError("no end") }
        _ = try container.delete(force: false)
        return .now - began
    }

    private static func exec(_ store: ContainerStore, _ id: String) throws -> Duration {
        let container = try store.container(id)
        var process = try container.process()
        process.arguments = ["true"]
        let began = ContinuousClock.now
        let collected = try container.exec(process, Container.SessionOptions()).collect(limit: 1000)
        guard collected.code == 0 else { throw ExecutorError("exec failed") }
        return .now - began
    }
}
