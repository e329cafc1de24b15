internal import CRI
internal import Runtime

/// Throws InvalidArgument when a required field is empty.
func require(_ value: String, _ field: String) throws {
    if value.isEmpty { throw RuntimeError(.invalidArgument, "\(field): must not be empty") }
}

func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw RuntimeError(.invalidArgument, message()) }
}

/// Characters that Docker allows in names; everything the kubelet writes passes.
private func requireName(_ value: String, _ field: String) throws {
    try require(value, field)
    try require(value.utf8.count <= 253, "\(field): longer than 253 bytes")
    let allowed = value.utf8.allSatisfy { byte in
        (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
            || byte == 0x2D || byte == 0x2E || byte == 0x5F
    }
    try require(allowed, "\(field) \(value): only letters, digits, '-', '.' and '_' are allowed")
}

func validate(_ config: PodSandboxConfig) throws {
    try require(config.hasMetadata, "config.metadata: must be set")
    try requireName(config.metadata.name, "config.metadata.name")
    try requireName(config.metadata.namespace, "config.metadata.namespace")
    try requireName(config.metadata.uid, "config.metadata.uid")
    try validateAbsolute(config.logDirectory, "config.log_directory")
    for mapping in config.portMappings {
        try require(
            (0...65535).contains(mapping.hostPort) && (0...65535).contains(mapping.containerPort),
            "config.port_mappings: port outside 0 to 65535")
    }
    let options = config.linux.securityContext
    try require(
        !options.hasRunAsGroup || options.hasRunAsUser,
        "config.linux.security_context.run_as_group: needs run_as_user")
    try validate(options.namespaceOptions, "config.linux.security_context.namespace_options")
}

func validate(_ config: ContainerConfig, sandboxLogDirectory: String) throws {
    try require(config.hasMetadata, "config.metadata: must be set")
    try requireName(config.metadata.name, "config.metadata.name")
    try require(config.image.image, "config.image.image")
    try validateLogPath(config.logPath, under: sandboxLogDirectory)
    let options = config.linux.securityContext
    try require(
        !options.hasRunAsGroup || options.hasRunAsUser || !options.runAsUsername.isEmpty,
        "config.linux.security_context.run_as_group: needs run_as_user or run_as_username")
    try require(
        !options.hasRunAsUser || options.runAsUsername.isEmpty,
        "config.linux.security_context: run_as_user and run_as_username exclude each other")
    try require(
        options.supplementalGroups.allSatisfy { (0...Int64(UInt32.max - 1)).contains($0) },
        "config.linux.security_context.supplemental_groups: group outside the range of ids")
    try validate(options.namespaceOptions, "config.linux.security_context.namespace_options")
    for env in config.envs { try require(env.key, "config.envs.key") }
    for mount in config.mounts {
        try require(mount.containerPath, "config.mounts.container_path")
        try require(
            !mount.hasImage || mount.hostPath.isEmpty, "config.mounts: image and host_path exclude each other")
    }
    try require(config.command.allSatisfy { !$0.utf8.contains(0) }, "config.command: NUL byte")
    try require(config.args.allSatisfy { !$0.utf8.contains(0) }, "config.args: NUL byte")
}

private func validate(_ options: NamespaceOption, _ field: String) throws {
    if options.hasUsernsOptions {
        let mode = options.usernsOptions.mode
        try require(mode == .pod || mode == .node, "\(field).userns_options.mode: only POD and NODE are allowed")
    }
    try require(options.network != .target && options.ipc != .target, "\(field): TARGET is for pid only")
}

private func validateAbsolute(_ path: String, _ field: String) throws {
    if path.isEmpty { return }
    try require(path.hasPrefix("/"), "\(field) \(path): must be absolute")
    try require(!path.utf8.contains(0) && !hasDotDot(path), "\(field): must not leave its directory")
}

/// A log path must stay below the sandbox's log directory (CVE-2025-0750 class).
private func validateLogPath(_ path: String, under directory: String) throws {
    if path.isEmpty { return }
    try require(!directory.isEmpty, "config.log_path: the sandbox has no log_directory")
    try require(!path.utf8.contains(0) && !hasDotDot(path), "config.log_path \(path): must stay in log_directory")
}

private func hasDotDot(_ path: String) -> Bool {
    path.split(separator: "/").contains("..")
}
