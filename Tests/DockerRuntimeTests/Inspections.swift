import DockerEngine
import FoundationEssentials

/// Inspections of what dockershim and cri-dockerd made, in the shape that each version of Docker answers with.
enum Inspections: String, CaseIterable {
    /// API 1.41, with cri-dockerd 0.4: bind mounts as strings.
    case docker20
    /// API 1.45, with cri-dockerd's master: bind mounts as objects.
    case docker26

    static let sandboxID = String(repeating: "5a", count: 32)
    static let containerID = String(repeating: "c0", count: 32)
    static let directory = "/var/lib/docker/containers"

    func sandbox(network: String = "none", name: String = "k8s_POD_web_shop_0b1f_2", state: String = Self.running)
        throws -> Docker.ContainerInspectResponse
    {
        try decode(
            id: Self.sandboxID, name: name, state: state, image: "registry.k8s.io/pause:3.10",
            host: """
                "Binds": null, "NetworkMode": "\(network)", "PortBindings": {}, "IpcMode": "shareable", "PidMode": "",
                "CgroupParent": "/kubepods/pod0b1f", "CpuShares": 2, "OomScoreAdj": -998, "MemorySwap": 0,
                "SecurityOpt": ["no-new-privileges"], "Runtime": "runc"
                """,
            mounts: "[]",
            labels: """
                "app": "web", "empty": "", "io.kubernetes.pod.name": "web", "io.kubernetes.pod.uid": "0b1f",
                "io.kubernetes.container.name": "POD", "io.kubernetes.docker.type": "podsandbox",
                "annotation.empty": "", "annotation.odd/\u{e9}": "line\\n\\"q\\" \\\\ \u{fc}"
                """)
    }

    func container(name: String = "k8s_app_web_shop_0b1f_7", state: String = Self.running)
        throws -> Docker.ContainerInspectResponse
    {
        let binds =
            self == .docker20
            ? #""Binds": ["/srv/data:/data:ro", "/srv/cache:/cache"],"#
            : """
            "Binds": null, "Mounts": [
              {"Type": "bind", "Source": "/srv/data", "Target": "/data", "ReadOnly": true,
               "BindOptions": {"CreateMountpoint": true, "ReadOnlyNonRecursive": true}},
              {"Type": "bind", "Source": "/srv/cache", "Target": "/cache", "BindOptions": {"CreateMountpoint": true}}],
            """
        return try decode(
            id: Self.containerID, name: name, state: state, image: "sha256:77",
            host: """
                \(binds) "NetworkMode": "container:\(Self.sandboxID)", "PortBindings": null,
                "IpcMode": "container:\(Self.sandboxID)", "PidMode": "container:\(Self.sandboxID)",
                "CgroupParent": "/kubepods/pod0b1f", "CpuShares": 102, "CpuPeriod": 0, "CpuQuota": 0,
                "Memory": 134217728, "MemorySwap": 134217728, "MemorySwappiness": null, "OomScoreAdj": 900,
                "Devices": [], "SecurityOpt": ["seccomp=unconfined"], "Runtime": "runc"
                """,
            mounts: """
                [{"Type": "bind", "Source": "/srv/data", "Destination": "/data", "Mode": "ro", "RW": false,
                  "Propagation": "rprivate"},
                 {"Type": "bind", "Source": "/srv/cache", "Destination": "/cache", "Mode": "", "RW": true,
                  "Propagation": "rprivate"}]
                """,
            labels: """
                "io.kubernetes.container.name": "app", "io.kubernetes.pod.name": "web",
                "io.kubernetes.container.logpath": "/var/log/pods/shop_web_0b1f/app/7.log",
                "io.kubernetes.docker.type": "container", "io.kubernetes.sandbox.id": "\(Self.sandboxID)",
                "annotation.io.kubernetes.container.restartCount": "7"
                """)
    }

    static let running = state("running", pid: 1776, started: "2026-11-24T09:25:07.095318972Z")
    static let created = state("created")
    static let exited = state(
        "exited", code: 3, started: "2026-11-24T09:25:07.095318972Z", finished: "2026-11-24T09:25:08.000000001Z")
    static let refused = state("created", code: 127, error: "OCI runtime create failed: no such file")

    private static func state(
        _ status: String, pid: Int = 0, code: Int = 0, error: String = "", started: String = "0001-01-01T00:00:00Z",
        finished: String = "0001-01-01T00:00:00Z"
    ) -> String {
        """
        {"Status": "\(status)", "Running": \(status == "running"), "Paused": false, "Restarting": false,
         "OOMKilled": false, "Dead": false, "Pid": \(pid), "ExitCode": \(code), "Error": "\(error)",
         "StartedAt": "\(started)", "FinishedAt": "\(finished)"}
        """
    }

    private func decode(
        id: String, name: String, state: String, image: String, host: String, mounts: String, labels: String
    ) throws -> Docker.ContainerInspectResponse {
        let consoleSize = self == .docker20 ? #""KernelMemory": 0, "ConsoleSize": [0, 0],"# : #""ConsoleSize": [0, 0],"#
        let networks = self == .docker20 ? "{}" : #"{"none": {"IPAMConfig": null, "IPAddress": "", "DNSNames": null}}"#
        let text = """
            {"Id": "\(id)", "Created": "2026-11-24T09:25:06.9281885Z", "Path": "/bin/sh", "Args": [],
             "State": \(state), "Image": "sha256:77", "LogPath": "\(Self.directory)/\(id)/\(id)-json.log",
             "ResolvConfPath": "\(Self.directory)/\(Self.sandboxID)/resolv.conf", "Name": "/\(name)",
             "RestartCount": 0, "Driver": "overlay2", "Platform": "linux", "ExecIDs": null,
             "HostConfig": {\(host), \(consoleSize) "CapAdd": null, "GroupAdd": null, "DeviceRequests": null,
               "LogConfig": {"Type": "json-file", "Config": {}}, "UTSMode": "", "Ulimits": null, "PidsLimit": null,
               "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}, "CgroupnsMode": "host"},
             "GraphDriver": {"Name": "overlay2", "Data": {"UpperDir": "/u", "LowerDir": "/l"}},
             "Mounts": \(mounts),
             "Config": {"Hostname": "web", "User": "", "Tty": false, "OpenStdin": false, "StdinOnce": false,
               "Env": ["PATH=/bin"], "Cmd": null, "Healthcheck": {"Test": ["NONE"]}, "Image": "\(image)",
               "Volumes": null, "WorkingDir": "", "Entrypoint": ["/bin/sh"], "OnBuild": null, "Labels": {\(labels)}},
             "NetworkSettings": {"Bridge": "", "SandboxKey": "", "Ports": {}, "SecondaryIPAddresses": null,
               "IPAddress": "", "Networks": \(networks)}}
            """
        return try JSONDecoder().decode(Docker.ContainerInspectResponse.self, from: Data(text.utf8))
    }
}
