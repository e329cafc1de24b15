internal import BackEnd
internal import CNI
public import CRI
internal import Executor
internal import Glibc
internal import Linux
internal import PodFiles
internal import Runtime
internal import Security
internal import Synchronization

/// `RunPodSandbox`.
extension NativeRuntime {
    /// `RunPodSandbox`: goes on when the caller leaves; its retry joins or finds the result.
    public func runPodSandbox(_ config: PodSandboxConfig, handler: String) async throws -> String {
        try check(config, handler)
        return try await operations.run("run/\(config.metadata.key)") { [self] in
            if let ready = existing(config.metadata) { return ready.id }
            return try await doing("run sandbox \(config.metadata.namespace)/\(config.metadata.name)") {
                try await makeSandbox(config, handler)
            }
        }
    }

    /// A repeated request finds its sandbox done.
    private func existing(_ metadata: PodSandboxMetadata) -> SandboxRecord? {
        world.sandboxes.first { $0.status.metadata == metadata && $0.status.state == .sandboxReady }
    }

    private func check(_ config: PodSandboxConfig, _ handler: String) throws {
        try check(handler: handler, config.linux.securityContext.namespaceOptions)
        _ = try idMaps(config.linux.securityContext.namespaceOptions)
        _ = try sysctls(config)
        if !config.hostname.isEmpty { try invalid { try Hostname.validate(config.hostname) } }
    }

    /// Makes all of a sandbox, each step after what undoes it is on disk; on failure nothing stays.
    private func makeSandbox(_ config: PodSandboxConfig, _ handler: String) async throws -> String {
        let id = ObjectID.make()
        var request = RunPodSandboxRequest()
        request.config = config
        request.runtimeHandler = handler
        let ticket = world.ticket()
        do {
            try sandboxes.begin(id, request)
            try await makeNamespaces(id, config)
            let addresses = try await connect(id, config)
            try writePodFiles(id, config, addresses)
            try await startPause(id, config)
            let status = status(id, request, addresses)
            let record = record(request, status)
            try await announce(record, config) {
                try sandboxes.save(id, status)
                try world.put(record, ticket)
            }
            watchPause(id)
            return id
        } catch {
            await discard(id)
            throw error
        }
    }

    private func makeNamespaces(_ id: String, _ config: PodSandboxConfig) async throws {
        let options = config.linux.securityContext.namespaceOptions
        let usesHostNetwork = options.network == .node
        var kinds: Set<PinnedNamespaces.Kind> = usesHostNetwork ? [] : [.network, .uts]
        if options.ipc != .node { kinds.insert(.ipc) }
        let sysctls = try sysctls(config)
        let hostname = hostname(config)
        let owner = try PodOwner(options)
        try await namespaces(id).make(kinds, maps: options.idMaps()) {
            if !usesHostNetwork {
                try system("sethostname", hostname) { sethostname(hostname, hostname.utf8.count) }
            }
            for (name, value) in sysctls { try owner.set(sysctl: name, value) }
        }
        if options.ipc != .node { try mountSharedMemory(id, owner) }
    }

    private func mountSharedMemory(_ id: String, _ owner: PodOwner) throws {
        let path = sharedMemory(id)
        try Files.makeDirectories(path, mode: 0o755)
        try Mounts.mount(
            "shm", at: path, type: "tmpfs", [.noSUID, .noDevices, .noPrograms],
            data: "mode=1777,size=65536k,uid=\(owner.user),gid=\(owner.group)")
    }

    /// What every pod may do in its own network, as with Docker and containerd, and what the pod asks for.
    private func sysctls(_ config: PodSandboxConfig) throws -> [String: String] {
        let options = config.linux.securityContext.namespaceOptions
        let asked = try invalid {
            try Sysctls.validate(
                config.linux.sysctls, hostNetwork: options.network == .node, hostIPC: options.ipc == .node)
        }
        if options.network == .node { return asked }
        let usual = ["net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647"]
        return usual.merging(asked) { $1 }
    }

    /// The pod's name, or with the host's network the host's.
    func hostname(_ config: PodSandboxConfig) -> String {
        guard config.hostname.isEmpty || config.linux.securityContext.namespaceOptions.network == .node else {
            return config.hostname
        }
        return (try? Files.text("/proc/sys/kernel/hostname")) ?? "localhost"
    }

    private func connect(_ id: String, _ config: PodSandboxConfig) async throws -> [String] {
        if config.linux.securityContext.namespaceOptions.network == .node { return [] }
        let netns = namespaces(id).path(.network)
        let result = try await network.add(config.attachment(id: id, netns: netns))
        let addresses = try await network.addresses(netns: netns, result: result)
        guard !addresses.isEmpty else { throw RuntimeError(.unknown, "the network gave the pod no address") }
        return addresses
    }

    private func writePodFiles(_ id: String, _ config: PodSandboxConfig, _ addresses: [String]) throws {
        let directory = sandboxes.directory(id)
        let dns = config.dnsConfig
        let resolver = ResolverConfiguration(servers: dns.servers, searches: dns.searches, options: dns.options)
        let text = resolver.isEmpty ? (try? Files.text("/etc/resolv.conf")) ?? "" : try invalid { try resolver.text() }
        let hostname = hostname(config)
        let owner = try PodOwner(config.linux.securityContext.namespaceOptions)
        let usesHostNetwork = config.linux.securityContext.namespaceOptions.network == .node
        let entries = addresses.map { HostsFile.Entry(address: $0, names: [hostname]) }
        let hosts =
            usesHostNetwork
            ? (try? Files.text("/etc/hosts")) ?? "" : try invalid { try HostsFile(entries: entries).text() }
        for (name, text) in [("resolv.conf", text), ("hosts", hosts), ("hostname", hostname)] {
            let bytes = Array("\(text)\(text.hasSuffix("\n") ? "" : "\n")".utf8)
            let path = "\(directory)/\(name)"
            try Files.replace(path, with: bytes, mode: 0o644, isDurable: false)
            if owner.user != 0 { try system("chown", path) { chown(path, owner.user, owner.group) } }
        }
    }

    private func status(_ id: String, _ request: RunPodSandboxRequest, _ addresses: [String]) -> PodSandboxStatus {
        var status = PodSandboxStatus()
        status.id = id
        status.metadata = request.config.metadata
        status.state = .sandboxReady
        status.createdAt = nanosecondsNow()
        status.labels = request.config.labels
        status.annotations = request.config.annotations
        status.runtimeHandler = request.runtimeHandler
        status.linux.namespaces.options = request.config.linux.securityContext.namespaceOptions
        if let first = addresses.first {
            status.network.ip = first
            status.network.additionalIps = addresses.dropFirst().map { address in
                var ip = PodIP()
                ip.ip = address
                return ip
            }
        }
        return status
    }

    /// The record as the World holds it: what the files say, and what the kernel does.
    func record(_ request: RunPodSandboxRequest, _ status: PodSandboxStatus) -> SandboxRecord {
        let isReady = status.state == .sandboxReady
        let usesHostNetwork = status.linux.namespaces.options.network == .node
        return SandboxRecord(
            status: status, pid: isReady ? (try? executor.container(status.id))?.pid ?? 0 : 0,
            netns: isReady && !usesHostNetwork ? namespaces(status.id).path(.network) : "",
            cgroupParent: request.config.linux.cgroupParent)
    }
}

extension PodSandboxMetadata {
    /// What tells one sandbox from another. A message's own description is for people: optimised builds leave its
    /// fields out.
    fileprivate var key: String { "\(attempt)/\(uid)/\(namespace)/\(name)" }
}
