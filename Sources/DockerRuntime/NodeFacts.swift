internal import DockerEngine
internal import Glibc
internal import Security

/// What Docker said of itself and of the node when it was last connected.
struct NodeFacts: Sendable {
    var apiVersion: APIVersion
    var info: Docker.SystemInfo

    var serverVersion: String { info.ServerVersion }
    var usesSystemdCgroups: Bool { info.CgroupDriver == "systemd" }

    /// Whether `DeviceRequests` with the driver `cdi` reach CDI specifications (Docker 25 with CDI enabled).
    var readsCDI: Bool { apiVersion >= APIVersion(1, 44) && !info.CDISpecDirs.isEmpty }

    /// Whether mounts of type `image` exist.
    var mountsImages: Bool { apiVersion >= APIVersion(1, 48) }

    /// Whether Docker keeps layers as directories that can be read from the outside.
    var hasLayerDirectories: Bool { info.Driver == "overlay2" }

    /// The kernel and the handler's runtime can make mounts read-only recursively, and the API can ask for it.
    func hasRecursiveReadOnly(handler: String) -> Bool {
        guard apiVersion >= APIVersion(1, 44), Self.kernelIsAtLeast(5, 12) else { return false }
        let name = handler.isEmpty ? info.DefaultRuntime : handler
        let features = info.Runtimes[name]?.status?["org.opencontainers.runtime-spec.features"] ?? ""
        return features.contains("\"rro\"")
    }

    /// A CRI cgroup parent as Docker's driver wants it: the systemd driver takes a slice's name.
    func cgroupParent(_ parent: String) -> String? {
        if parent.isEmpty { return nil }
        return usesSystemdCgroups ? parent.split(separator: "/").last.map(String.init) : parent
    }

    /// An oom score that a container can be started with here, given that dockerd has no more privileges than we do.
    func oomScore(_ requested: Int64) -> Int {
        OOMScore.clamp(Int(clamping: requested)).value
    }

    private static func kernelIsAtLeast(_ major: Int, _ minor: Int) -> Bool {
        var names = utsname()
        guard uname(&names) == 0 else { return false }
        let release = withUnsafeBytes(of: &names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let parts = release.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
        return parts.count == 2 && (parts[0], parts[1]) >= (major, minor)
    }
}
