internal import Glibc
internal import Linux

extension CDIEdits {
    /// Takes the specification's edits over as they stand.
    init(_ edits: CDISpecification.Edits) {
        env = edits.env ?? []
        deviceNodes = (edits.deviceNodes ?? []).map(DeviceNode.init)
        mounts = (edits.mounts ?? []).map {
            Mount(
                hostPath: $0.hostPath, containerPath: $0.containerPath, options: $0.options ?? [], type: $0.type ?? "")
        }
        hooks = (edits.hooks ?? []).map {
            Hook(name: $0.hookName, path: $0.path, args: $0.args ?? [], env: $0.env ?? [], timeout: $0.timeout)
        }
        additionalGids = edits.additionalGids ?? []
    }

    mutating func append(_ other: CDIEdits) {
        env += other.env
        deviceNodes += other.deviceNodes
        mounts += other.mounts
        hooks += other.hooks
        // Group 0 is what a specification without groups may say; the process has it or must not get it.
        for gid in other.additionalGids where gid != 0 && !additionalGids.contains(gid) { additionalGids.append(gid) }
    }

    /// Fills in the type and numbers that specifications leave to the host's device files.
    ///
    /// Throws ``CDIError`` for a file that is absent, no device, or of another type than specified.
    func resolved(for names: String) throws -> CDIEdits {
        var result = self
        result.deviceNodes = try deviceNodes.map { try $0.resolved(for: names) }
        return result
    }
}

extension CDIEdits.DeviceNode {
    init(_ node: CDISpecification.DeviceNode) {
        path = node.path
        hostPath = node.hostPath.flatMap { $0.isEmpty ? nil : $0 } ?? node.path
        type = node.type ?? ""
        major = node.major ?? 0
        minor = node.minor ?? 0
        fileMode = node.fileMode
        permissions = node.permissions.flatMap { $0.isEmpty ? nil : $0 } ?? "rwm"
        uid = node.uid
        gid = node.gid
    }

    fileprivate func resolved(for names: String) throws -> Self {
        if type == "p" || (!type.isEmpty && major != 0) { return self }
        let refusal = "inject CDI device \(names): device node \(hostPath): "
        var status = stat()
        guard stat(hostPath, &status) == 0 else {
            throw CDIError(refusal + "\(SystemError(call: "stat", code: errno))")
        }
        var result = self
        switch status.st_mode & S_IFMT {
        case S_IFCHR: result.type = "c"
        case S_IFBLK: result.type = "b"
        case S_IFIFO: result.type = "p"
        default: throw CDIError(refusal + "it is no device")
        }
        guard type.isEmpty || type == result.type || (type == "u" && result.type == "c") else {
            throw CDIError(refusal + "it is of type \(result.type), not \(type)")
        }
        if result.type != "p" {
            let number = DeviceNumber(status.st_rdev)
            result.major = Int64(number.major)
            result.minor = Int64(number.minor)
        }
        return result
    }
}
