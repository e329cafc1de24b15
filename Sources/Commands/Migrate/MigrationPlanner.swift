internal import Configuration
internal import Glibc
internal import Linux

/// Works out what a node needs to change over to Fender.
struct MigrationPlanner {
    private let node: Node
    private let version: KubeletVersion
    private let kubelet: KubeletFiles
    private let socket: String

    init(_ node: Node, kubelet: KubeletFiles, version: KubeletVersion) throws {
        self.node = node
        self.version = version
        self.kubelet = kubelet
        let unit = try Unit("fender.socket", on: node)
        let path = unit?.values("ListenStream", in: "Socket").last.map(CRIDockerd.withRuntimeDirectory)
        socket = path ?? "/run/fender/fender.sock"
    }

    /// Fender's endpoint.
    private var endpoint: String { "unix://\(socket)" }

    /// Whether the kubelet talks to Fender already, and to nobody else.
    func isDone() throws -> Bool {
        let endpoints = try kubelet.endpoints()
        let isRemote = !version.hasDockershim || kubelet.value("container-runtime") == "remote"
        return isRemote && !endpoints.isEmpty && endpoints.allSatisfy { FormerShim.path($0) == socket }
    }

    /// Throws ``MigrationError`` for a node that it does not understand.
    func plan() throws -> MigrationPlan {
        let shim = try FormerShim(kubelet, version: version, on: node, ours: endpoint)
        var plan = MigrationPlan(shim: shim, kubelet: version, socket: socket, nodeName: nodeName)
        try changeKubelet(&plan)
        try changeSettings(&plan)
        try addUnits(&plan)
        try changeClient(&plan)
        return plan
    }

    /// As the kubelet names its node.
    private var nodeName: String {
        if let name = kubelet.value("hostname-override") { return name }
        if let name = node.text("/etc/hostname"), !name.isEmpty { return name.lowercased() }
        return Self.hostName.lowercased()
    }

    private static var hostName: String {
        var names = utsname()
        uname(&names)
        return withUnsafeBytes(of: names.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    // MARK: The kubelet

    private func changeKubelet(_ plan: inout MigrationPlan) throws {
        var flags = kubelet.flagFiles.map { FlagText($0.bytes) }
        for index in flags.indices {
            try flags[index].set("container-runtime-endpoint", endpoint)
            try flags[index].set("image-service-endpoint", endpoint)
            try flags[index].remove(gone)
            if version.hasDockershim { try flags[index].set("container-runtime", "remote") }
        }
        var configurations = try kubelet.configurations.map { try YAMLText($0) }
        for index in configurations.indices {
            for key in ["containerRuntimeEndpoint", "imageServiceEndpoint"]
            where try configurations[index].value(key) != nil {
                try configurations[index].set(key, endpoint)
            }
        }
        try add(&flags, &configurations)
        for (file, text) in zip(kubelet.flagFiles, flags) { try change(file, to: text.bytes, &plan) }
        for (file, text) in zip(kubelet.configurations, configurations) {
            try change(file, to: Array(text.text.utf8), &plan)
        }
    }

    /// Flags that go.
    private var gone: Set<String> {
        var gone = Set(FormerShim.dockershimFlags.keys)
        if !version.hasDockershim { gone.insert("container-runtime") }
        if !version.hasInfraImage { gone.insert("pod-infra-container-image") }
        return gone
    }

    /// Names the endpoint where nothing did so far, and for an old kubelet the kind of runtime.
    private func add(_ flags: inout [FlagText], _ configurations: inout [YAMLText]) throws {
        func has(_ name: String) -> Bool { flags.contains { !$0.occurrences(of: [name]).isEmpty } }
        let isConfigured = try configurations.contains { try $0.value("containerRuntimeEndpoint") != nil }
        var missing: [String] = []
        if version.hasDockershim, !has("container-runtime") { missing.append("--container-runtime=remote") }
        if !has("container-runtime-endpoint"), !isConfigured {
            if version.configuresEndpoint, !configurations.isEmpty {
                try configurations[0].set("containerRuntimeEndpoint", endpoint)
            } else {
                missing.append("--container-runtime-endpoint=\(endpoint)")
            }
        }
        guard !missing.isEmpty else { return }
        let added = missing.joined(separator: " ")
        for variable in ["KUBELET_KUBEADM_ARGS", "KUBELET_EXTRA_ARGS"] {
            for index in flags.indices where kubelet.environmentPaths.contains(kubelet.flagFiles[index].path) {
                if flags[index].append(added, toVariable: variable) { return }
            }
        }
        throw MigrationError(
            "no environment file of \(KubeletFiles.unitName) sets KUBELET_KUBEADM_ARGS or KUBELET_EXTRA_ARGS: add the flags \(added) where the kubelet's are, and try again"
        )
    }

    /// A package's unit file stays as it is: one of the same name in /etc is read in its place.
    private func change(_ file: NodeFile, to bytes: [UInt8], _ plan: inout MigrationPlan) throws {
        guard bytes != file.bytes else { return }
        var after = file
        after.bytes = bytes
        guard let directory = Unit.directories.dropFirst().first(where: { file.path.hasPrefix($0 + "/") }) else {
            return plan.changes.append(.init(before: file, after: after))
        }
        after.path = Unit.directories[0] + file.path.dropFirst(directory.count)
        plan.changes.append(.init(before: nil, after: after))
        plan.notes.append("\(after.path) takes the place of \(file.path), which belongs to a package")
    }

    // MARK: Fender

    private func changeSettings(_ plan: inout MigrationPlan) throws {
        let before = try node.file(FenderConfiguration().file)
        var settings = SettingsText(before?.text ?? "")
        // Named, even by default: at a boot Docker may come after Fender, which must wait for it.
        let docker = "docker-endpoint"
        let ofDocker = plan.shim.settings.first { $0.option == docker }
        settings.add(ofDocker ?? .init(option: docker, text: "unix:///var/run/docker.sock"), evenAsDefault: true)
        for setting in plan.shim.settings where setting.option != docker { settings.add(setting) }
        let roots = FenderConfiguration().adoptRootDirectories
        if !roots.contains(plan.shim.rootDirectory) {
            let all = (roots + [plan.shim.rootDirectory]).joined(separator: ",")
            settings.add(.init(option: "adopt-root-directories", text: all))
        }
        for key in settings.kept {
            plan.notes.append("\(FenderConfiguration().file) sets \(key) already, which stays")
        }
        plan.notes += plan.shim.remarks
        guard settings.text != before?.text ?? "" else { return }
        var after = before ?? NodeFile(path: FenderConfiguration().file, bytes: [], mode: 0o644, owner: 0, group: 0)
        after.bytes = Array(settings.text.utf8)
        try check(after)
        plan.changes.append(.init(before: before, after: after))
    }

    /// What the daemon would refuse must not get as far as the daemon.
    private func check(_ file: NodeFile) throws {
        do {
            _ = try LoadedConfiguration(flags: CommandLineFlags([]), document: file.bytes, path: file.path)
        } catch let error as ConfigurationError {
            throw MigrationError("the settings do not fit together: \(error)")
        }
    }

    /// Where no package has put the units.
    private func addUnits(_ plan: inout MigrationPlan) throws {
        for (name, text) in [("fender.socket", UnitFiles.socket), ("fender.service", UnitFiles.service)]
        where try Unit(name, on: node) == nil {
            let path = "\(Unit.directories[0])/\(name)"
            let program = try Files.linkTarget("/proc/self/exe")
            var own = text.split(separator: "/usr/bin/fender ", omittingEmptySubsequences: false)
                .joined(separator: "\(program) ")
            // The package makes the group.
            if !(node.text("/etc/group") ?? "").split(separator: "\n").contains(where: { $0.hasPrefix("fender:") }) {
                own = own.split(separator: UnitFiles.socketGroup).joined()
            }
            plan.changes.append(
                .init(
                    before: nil, after: NodeFile(path: path, bytes: Array(own.utf8), mode: 0o644, owner: 0, group: 0)))
        }
    }

    /// crictl's own settings follow when they name the runtime that goes.
    private func changeClient(_ plan: inout MigrationPlan) throws {
        guard let file = try node.file("/etc/crictl.yaml") else { return }
        var yaml = try YAMLText(file)
        for key in ["runtime-endpoint", "image-endpoint"] {
            guard let named = try yaml.value(key), FormerShim.path(named) == FormerShim.path(plan.shim.endpoint) else {
                continue
            }
            try yaml.set(key, endpoint)
        }
        try change(file, to: Array(yaml.text.utf8), &plan)
    }
}
