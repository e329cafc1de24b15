internal import Executor
internal import Glibc
internal import OCI
internal import Synchronization

/// Stands for a daemon that dies: makes a container or an exec as one does, and kills itself before a step.
@main
struct Probe {
    private static let steps = Atomic<Int>(0)

    /// Arguments: `container` or `exec`, the monitor, the store, the bundle, the log, the container's id, and the number
    /// of the step, from 1. Ends with 0 when there are fewer steps.
    static func main() throws {
        let arguments = CommandLine.arguments
        let store = ContainerStore(root: arguments[3], monitor: arguments[2])
        let last = Int(arguments[7])
        let step: @Sendable (String) -> Void = { _ in
            if steps.add(1, ordering: .relaxed).newValue == last { kill(getpid(), SIGKILL) }
        }
        if arguments[1] == "container" {
            var options = SupervisorOptions(bundle: arguments[4])
            options.logPath = arguments[5]
            options.create.step = step
            _ = try store.supervise(arguments[6], options).start()
        } else {
            let container = try store.container(arguments[6])
            var options = Container.SessionOptions()
            options.step = step
            var process = try container.process()
            process.arguments = ["sh", "-c", "(setsid sleep 1001 &); exec sleep 1002"]
            _ = try container.exec(process, options)
        }
    }
}
