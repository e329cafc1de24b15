internal import BackEnd
internal import CRI
internal import DockerEngine
internal import Runtime
internal import Security

extension ContainerSpec {
    func setSecurity(_ host: inout Docker.HostConfig) throws {
        host.Privileged = security.privileged
        host.ReadonlyRootfs = security.readonlyRootfs
        host.CapAdd = try capabilities(security.capabilities.addCapabilities)
        host.CapDrop = try capabilities(security.capabilities.dropCapabilities)
        if !security.privileged && config.linux.hasSecurityContext {
            host.MaskedPaths = security.maskedPaths
            host.ReadonlyPaths = security.readonlyPaths
        }
        var options: [String] = []
        if security.noNewPrivs { options.append("no-new-privileges") }
        if let seccomp = try seccompOption() { options.append(seccomp) }
        if let appArmor = try appArmorOption() { options.append(appArmor) }
        if security.hasSelinuxOptions { options += try security.selinuxOptions.dockerOptions() }
        host.SecurityOpt = options.isEmpty ? nil : options
    }

    private func capabilities(_ names: [String]) throws -> [String]? {
        names.isEmpty ? nil : try invalid { try Capabilities.normalise(names) }
    }

    private func seccompOption() throws -> String? {
        try invalid {
            let profile = try Security.SecurityProfile.seccomp(
                kind: security.hasSeccomp ? security.seccomp.profileType.rawValue : nil,
                localhostRef: security.seccomp.localhostRef, deprecated: security.seccompProfilePath,
                privileged: security.privileged)
            return try SeccompProfiles(root: settings.seccompRoot).dockerOption(for: profile)
        }
    }

    private func appArmorOption() throws -> String? {
        try invalid {
            let profile = try Security.SecurityProfile.appArmor(
                kind: security.hasApparmor ? security.apparmor.profileType.rawValue : nil,
                localhostRef: security.apparmor.localhostRef, deprecated: security.apparmorProfile,
                privileged: security.privileged)
            return try AppArmor().dockerOption(for: profile)
        }
    }
}

extension SELinuxOption {
    func dockerOptions() throws -> [String] {
        try invalid { try SELinuxLabel(user: user, role: role, type: type, level: level).dockerOptions() }
    }
}
