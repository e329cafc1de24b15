internal import CRI
public import Runtime

extension World {
    /// The running container whose process namespace another one of the sandbox is to join (`TARGET`).
    public func target(_ id: String, in sandbox: SandboxRecord) throws -> ContainerRecord {
        guard let target = container(id) else {
            throw RuntimeError(.notFound, "target container \(id): not found")
        }
        guard target.sandboxID == sandbox.id else {
            throw RuntimeError(.invalidArgument, "target container \(id): it is in another sandbox")
        }
        guard target.status.state == .containerRunning else {
            throw RuntimeError(.failedPrecondition, "target container \(id): it does not run")
        }
        return target
    }
}
