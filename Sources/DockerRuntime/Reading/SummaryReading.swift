internal import CRI
internal import DockerEngine
internal import Runtime

/// A sandbox or container as Docker's list shows it, for when its inspection does not answer: a kubelet takes what it
/// does not see for dead.
struct SummaryReading {
    var summary: Docker.ContainerSummary

    /// The Docker name.
    var name: String { String((summary.Names.first ?? "").drop { $0 == "/" }) }

    /// The sandbox, its process unknown; nil when the name and labels are no sandbox's.
    func sandbox(addresses: [String], isComplete: Bool) -> SandboxRecord? {
        var record = SandboxReading(inspection: inspection, addresses: addresses, isComplete: isComplete).record()
        record?.status.createdAt = createdAt
        // Without the process's number there is no path to its namespace.
        record?.netns = ""
        return record
    }

    /// The container; nil when the name and labels are no container's.
    func container(image: ImageRecord?) -> ContainerRecord? {
        guard var record = ContainerReading(inspection: inspection, image: image).record() else { return nil }
        record.status.createdAt = createdAt
        if record.status.state == .containerRunning {
            record.status.startedAt = createdAt
        } else if ["exited", "dead"].contains(summary.State) {
            record.status.state = .containerExited
            record.status.startedAt = createdAt
            record.status.finishedAt = createdAt
            record.status.exitCode = exitCode
            record.status.reason = exitCode == 0 ? "Completed" : "Error"
        }
        return record
    }

    private var createdAt: Int64 { summary.Created * 1_000_000_000 }

    /// `Exited (137) 2 minutes ago`: there is no other place that says it.
    private var exitCode: Int32 {
        let digits = summary.Status.drop { $0 != "(" }.dropFirst().prefix { $0 != ")" }
        return Int32(digits) ?? 255
    }

    private var inspection: Docker.ContainerInspectResponse {
        var inspection = Docker.ContainerInspectResponse()
        inspection.Id = summary.Id
        inspection.Name = name
        inspection.Image = summary.ImageID
        inspection.State.Status = summary.State
        inspection.State.Running = ["running", "paused"].contains(summary.State)
        inspection.HostConfig.NetworkMode = summary.HostConfig.NetworkMode
        inspection.Config.Labels = summary.Labels
        inspection.Config.Image = summary.Image
        return inspection
    }
}
