internal import FoundationEssentials

/// All that a migration changes, worked out before anything is.
struct MigrationPlan: Equatable {
    var shim: FormerShim
    var kubelet: KubeletVersion
    var changes: [FileChange] = []
    /// What the operator should know of.
    var notes: [String] = []
    /// Fender's socket, as a path of the node.
    var socket: String
    /// The node's name in the cluster.
    var nodeName: String

    var endpoint: String { "unix://\(socket)" }

    /// A file before and after.
    struct FileChange: Equatable {
        /// nil when there is none yet.
        var before: NodeFile?
        var after: NodeFile

        var path: String { after.path }
        var diff: [String] { UnifiedDiff.lines(path, from: before?.text, to: after.text) }
    }

    // MARK: Commands

    static let ownUnits = ["fender.socket", "fender.service"]

    /// Before files change.
    var commandsBefore: [[String]] {
        [["systemctl", "stop", KubeletFiles.unitName]]
            + (shim.units.isEmpty ? [] : [["systemctl", "disable", "--now"] + shim.units])
    }

    /// After files have changed, until Fender serves.
    var commandsAfter: [[String]] {
        [["systemctl", "daemon-reload"], ["systemctl", "enable", "--now"] + Self.ownUnits]
    }

    /// Once Fender serves.
    var lastCommands: [[String]] { [["systemctl", "start", KubeletFiles.unitName]] }

    /// For nodes that kubeadm has made.
    var annotation: [String] { Annotation.command(nodeName, endpoint) }
}

/// The annotation in which kubeadm keeps where a node's runtime is.
enum Annotation {
    static let name = "kubeadm.alpha.kubernetes.io/cri-socket"
    /// The kubelet's own credentials, which may annotate its own node.
    static let kubeconfig = "/etc/kubernetes/kubelet.conf"

    static func command(_ node: String, _ endpoint: String) -> [String] {
        ["kubectl", "--kubeconfig", kubeconfig, "annotate", "node", node, "--overwrite", "\(name)=\(endpoint)"]
    }

    /// Prints the present value.
    static func question(_ node: String) -> [String] {
        let escaped = name.split(separator: ".").joined(separator: "\\.")
        return [
            "kubectl", "--kubeconfig", kubeconfig, "get", "node", node, "--output",
            "jsonpath={.metadata.annotations.\(escaped)}",
        ]
    }
}

// MARK: For people and programs

extension MigrationPlan {
    var lines: [String] {
        var lines = ["From \(shim.kind.rawValue) at \(shim.endpoint) to Fender at \(endpoint).", ""]
        lines.append("Commands:")
        let show = { (commands: [[String]]) in commands.map { "  " + $0.map(Shell.word).joined(separator: " ") } }
        lines += show(commandsBefore) + ["  (write the files below)"]
        lines += show(commandsAfter + lastCommands + [annotation])
        lines += ["", "Files:"]
        for change in changes { lines += change.diff.map { "  " + $0 } }
        if !notes.isEmpty { lines += ["", "Note:"] + notes.map { "  - \($0)" } }
        return lines + ["", "Nothing is changed yet; --apply does it, and pods run on meanwhile."]
    }

    /// What `--json` prints.
    struct Document: Encodable {
        struct File: Encodable {
            var path: String
            var isNew: Bool
            var diff: String
        }

        var from: String
        var oldEndpoint: String
        var endpoint: String
        var isDone: Bool
        var commands: [[String]]
        var files: [File]
        var notes: [String]

        /// Of a node that has nothing left to do.
        static let done = Document(
            from: "fender", oldEndpoint: "", endpoint: "", isDone: true, commands: [], files: [], notes: [])
    }

    var document: Document {
        Document(
            from: shim.kind.rawValue, oldEndpoint: shim.endpoint, endpoint: endpoint, isDone: false,
            commands: commandsBefore + commandsAfter + lastCommands + [annotation],
            files: changes.map {
                .init(path: $0.path, isNew: $0.before == nil, diff: $0.diff.joined(separator: "\n") + "\n")
            }, notes: notes)
    }
}

enum Shell {
    /// A word as a shell takes it.
    static func word(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./:=@,+%".contains($0)) }
        return isPlain
            ? text : "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''"))'"
    }
}
