internal import Linux

/// libcni's cache of attachments: `<directory>/results/<network>-<container>-<interface>`, one file each.
///
/// dockershim, cri-dockerd and we read each other's, so that a pod is torn down with the configuration and the result
/// that it was made with, whoever made it. Blocks; call from a thread of its own.
struct AttachmentCache: Sendable {
    let directory: String

    /// A file of the cache: read whole, or known by its name only.
    enum Entry: Sendable {
        case attachment(Attachment)
        /// A plain result, as libcni before 0.8 kept it, or a damaged file: its configuration is not known.
        case bare(name: String, sandboxID: String, result: JSONValue?)

        var sandboxID: String {
            switch self {
            case .attachment(let attachment): attachment.sandboxID
            case .bare(_, let sandboxID, _): sandboxID
            }
        }
    }

    private var results: String { "\(directory)/results" }

    private func path(_ attachment: Attachment) -> String {
        "\(results)/\(attachment.network.name)-\(attachment.sandboxID)-\(attachment.interface)"
    }

    /// Keeps an attachment.
    func store(_ attachment: Attachment) throws {
        try Files.makeDirectories(results, mode: 0o700)
        try Files.replace(path(attachment), with: attachment.document().bytes, mode: 0o600)
    }

    /// Forgets an attachment.
    func remove(_ attachment: Attachment) throws {
        try Files.remove(path(attachment))
    }

    /// Forgets a file that could not be read.
    func remove(bare name: String) throws {
        try Files.remove("\(results)/\(name)")
    }

    /// The entries of one sandbox, or of all.
    func entries(of sandboxID: String? = nil) throws -> [Entry] {
        try Files.names(in: results).compactMap { name in
            if let sandboxID, !name.contains("-\(sandboxID)-") { return nil }
            guard let entry = entry(name) else { return nil }
            return sandboxID == nil || entry.sandboxID == sandboxID ? entry : nil
        }
    }

    private func entry(_ name: String) -> Entry? {
        // Temporaries of a write that was cut short begin with a dot.
        guard !name.hasPrefix(".") else { return nil }
        let document = (try? NetworkSnapshot.read("\(results)/\(name)")).flatMap { try? JSONValue(parsing: $0) }
        if let document, let attachment = try? Attachment(document: document), path(attachment) == "\(results)/\(name)"
        {
            return .attachment(attachment)
        }
        guard let sandboxID = document?["containerId"]?.string ?? Self.sandboxID(inName: name),
            Identifier.isValid(sandboxID)
        else { return nil }
        let result = document?["kind"] == nil ? document : document?["result"]
        return .bare(name: name, sandboxID: sandboxID, result: result)
    }

    /// The container id of `<network>-<container>-<interface>`: container engines' ids have 64 hexadecimal digits,
    /// which no other part looks like.
    private static func sandboxID(inName name: String) -> String? {
        name.split(separator: "-").map(String.init).first { part in
            part.utf8.count == 64 && part.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
        }
    }
}
