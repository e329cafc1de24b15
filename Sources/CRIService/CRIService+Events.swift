internal import CRI
internal import RPC
internal import Runtime
internal import SwiftProtobuf

/// `GetContainerEvents`, and the calls that no back end serves yet.
extension CRIService {
    func addEvents(to table: inout MethodTable) {
        table.subscription(.runtime, "GetContainerEvents") { (_: GetEventsRequest, writer) in
            for await event in world.events() {
                try await writer.write(Payload(try event.serializedBytes() as Block))
            }
            try Task.checkCancellation()
            throw RuntimeError(.resourceExhausted, "the subscriber fell too far behind")
        }
    }

    /// Routed so that a client gets Unimplemented with a name, never Unknown.
    func addUnimplemented(to table: inout MethodTable) {
        let unary = [
            "Exec", "Attach", "PortForward", "CheckpointContainer", "CheckpointPod", "RestorePod",
        ]
        for method in unary {
            table.add(
                .runtime, method,
                .unary { _, _ in throw RPCError(.unimplemented, "\(method) is not implemented") })
        }
    }
}
