internal import BackEnd
internal import CDI
internal import CRI
internal import Executor
internal import ImageRoot
internal import OCI
internal import Runtime
internal import Security

extension ContainerSpec {
    func process() throws -> JSON {
        .compact([
            ("terminal", .bool(config.tty)), ("user", userJSON), ("args", .strings(try arguments())),
            ("env", .strings(try environment())), ("cwd", .string(directory)),
            ("capabilities", try capabilities()), ("noNewPrivileges", .bool(security.noNewPrivs)),
            ("oomScoreAdj", .integer(OOMScore.clamp(Int(clamping: config.linux.resources.oomScoreAdj)).value)),
            ("apparmorProfile", try appArmor()), ("selinuxLabel", try processLabel()),
        ])
    }

    private var userJSON: JSON {
        // The primary group stands among the others, so that dropping it gives nothing away (CVE-2022-36109).
        .compact([
            ("uid", .integer(user.uid)), ("gid", .integer(user.gid)),
            ("additionalGids", .array((user.groups + cdi.additionalGids).map { .integer($0) })),
        ])
    }

    /// The CRI's command takes the entrypoint's place and also drops the image's command (Kubernetes' rules).
    private func arguments() throws -> [String] {
        let command = config.command.isEmpty ? image.entrypoint : config.command
        let rest = !config.args.isEmpty ? config.args : config.command.isEmpty ? image.command : []
        let all = command + rest
        guard let first = all.first, !first.isEmpty else {
            throw RuntimeError(.invalidArgument, "image \(config.image.image): no command given and none in the image")
        }
        guard !all.contains(where: { $0.utf8.contains(0) }) else {
            throw RuntimeError(.invalidArgument, "command: contains a NUL")
        }
        return all
    }

    private var directory: String {
        let asked = config.workingDir.isEmpty ? image.directory : config.workingDir
        return asked.isEmpty ? "/" : asked.hasPrefix("/") ? asked : "/\(asked)"
    }

    /// The image's variables, then the pod's; the last of a name counts.
    private func environment() throws -> [String] {
        var all = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        if config.tty { all.append("TERM=xterm") }
        all.append("HOSTNAME=\(sandboxConfig.hostname.isEmpty ? places.hostname : sandboxConfig.hostname)")
        if let home = user.home { all.append("HOME=\(home)") } else { all.append("HOME=/") }
        all += image.environment
        all += try config.envs.map { env in
            guard let value = String(validating: env.value, as: UTF8.self), !value.utf8.contains(0),
                !env.key.contains("="), !env.key.utf8.contains(0)
            else { throw RuntimeError(.invalidArgument, "env \(env.key): not a name and a UTF-8 value") }
            return "\(env.key)=\(value)"
        }
        all += cdi.env
        var values: [Substring: Int] = [:]
        var result: [String] = []
        for entry in all {
            let name = entry.prefix { $0 != "=" }
            if let place = values[name] {
                result[place] = entry
            } else {
                values[name] = result.count
                result.append(entry)
            }
        }
        return result
    }

    /// What Docker and containerd grant when nothing is said.
    private static let usual = [
        "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
        "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID",
        "CAP_SYS_CHROOT",
    ]

    /// Inheritable stays empty (CVE-2022-29162); ambient is what the pod asks for by name.
    private func capabilities() throws -> JSON {
        let asked = security.capabilities
        let all = try Capabilities.ofKernel()
        func names(_ list: [String]) throws -> (all: Bool, names: [String]) {
            let normal = try invalid { try Capabilities.normalise(list) }
            return (
                normal.contains("ALL"), normal.filter { $0 != "ALL" }.map { $0.hasPrefix("CAP_") ? $0 : "CAP_\($0)" }
            )
        }
        let (add, drop) = (try names(asked.addCapabilities), try names(asked.dropCapabilities))
        var granted = Set(security.privileged ? all : Self.usual)
        if add.all { granted.formUnion(all) }
        if drop.all { granted.removeAll() }
        granted.subtract(drop.names)
        granted.formUnion(add.names)
        if add.all { granted.subtract(drop.names) }
        let ambient = try names(asked.addAmbientCapabilities).names
        granted.formUnion(ambient)
        // The executor leaves out what cannot be had, with a warning; others refuse the container.
        if handler != nil { granted.formIntersection(GrantableCapabilities.names()) }
        let list = granted.sorted()
        // A user other than root keeps of the permitted set what is ambient alone.
        return .compact([
            ("bounding", .strings(list)), ("effective", .strings(list)), ("permitted", .strings(list)),
            ("inheritable", ambient.isEmpty ? nil : .strings(ambient)),
            ("ambient", ambient.isEmpty ? nil : .strings(ambient)),
        ])
    }

    private func appArmor() throws -> JSON? {
        try invalid {
            let profile = try Security.SecurityProfile.appArmor(
                kind: security.hasApparmor ? security.apparmor.profileType.rawValue : nil,
                localhostRef: security.apparmor.localhostRef, deprecated: security.apparmorProfile,
                privileged: security.privileged)
            guard case .localhost(let name) = profile else { return nil }
            let kernel = AppArmor()
            guard kernel.isEnabled else {
                throw SecurityError("use AppArmor profile \(name): AppArmor is not enabled here")
            }
            guard try kernel.isLoaded(name) else {
                throw SecurityError("use AppArmor profile \(name): it is not loaded")
            }
            return .string(name)
        }
    }

    func seccomp() throws -> JSON? {
        try invalid {
            let profile = try Security.SecurityProfile.seccomp(
                kind: security.hasSeccomp ? security.seccomp.profileType.rawValue : nil,
                localhostRef: security.seccomp.localhostRef, deprecated: security.seccompProfilePath,
                privileged: security.privileged)
            switch profile {
            case .unconfined: return nil
            case .runtimeDefault: return DefaultSeccomp.profile(capabilities: try grantedCapabilities())
            case .localhost(let reference):
                return try JSON(parsing: Array(SeccompProfiles(root: seccompRoot).load(reference).utf8))
            }
        }
    }

    private func grantedCapabilities() throws -> Set<String> {
        guard case .array(let names)? = try capabilities()["bounding"] else { return [] }
        return Set(names.compactMap { if case .string(let name) = $0 { name } else { nil } })
    }

    private func processLabel() throws -> JSON? { try label(of: "process") }

    func mountLabel() throws -> JSON? { try label(of: "mount") }

    /// Labels where the kernel has SELinux; asked for where it has not is an error of the pod's.
    private func label(of kind: String) throws -> JSON? {
        let options = security.selinuxOptions
        guard security.hasSelinuxOptions, SELinux.isEnabled, !security.privileged else { return nil }
        let type = kind == "mount" ? "container_file_t" : options.type.isEmpty ? "container_t" : options.type
        let user = options.user.isEmpty ? "system_u" : options.user
        let role = kind == "mount" ? "object_r" : options.role.isEmpty ? "system_r" : options.role
        return .string("\(user):\(role):\(type):\(options.level.isEmpty ? "s0" : options.level)")
    }
}
