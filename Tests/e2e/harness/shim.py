"""Pods as dockershim and cri-dockerd leave them: names, labels, checkpoints, libcni's cache, links for logs."""

import base64
import http.client
import json
import os
import pathlib
import socket
import subprocess

from . import images
from .pods import Pod
from .schema import pb
from .servers import CNI_PLUGINS

# How the data of a checkpoint is written for its checksum: with the names of the Go types, which differ.
TYPES = {"cri-dockerd": ("core", "config"), "dockershim": ("dockershim", "dockershim")}
PROTOCOLS = {pb.TCP: "tcp", pb.UDP: "udp", pb.SCTP: "sctp"}
LOOPBACK = {"cniVersion": "0.2.0", "name": "cni-loopback", "plugins": [{"type": "loopback"}]}


class Shim:
    """Makes on Docker what `kind` would make; `root` is its root directory."""

    def __init__(self, kind, docker, network, root, pods):
        self.kind = kind
        self.api = Engine(docker.socket)
        self.cni = LibCNI(network)
        self.checkpoints = pathlib.Path(root) / "sandbox"
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        self.pods = pods
        docker("pull", images.PAUSE)

    def run(self, config=None, suffix="", **options):
        """A running sandbox with its network; its addresses are `pod.addresses`."""
        config = config or self.pods.config(**options)
        pod = Pod(self.pods, config)
        meta, host = config.metadata, config.linux.security_context.namespace_options.network == pb.NODE
        name = f"k8s_POD_{meta.name}_{meta.namespace}_{meta.uid}_{meta.attempt}{suffix}"
        pod.id = self.api.create(name, {
            "Image": images.PAUSE, "Hostname": "" if host else config.hostname,
            "Labels": {**shim_labels(config), "io.kubernetes.docker.type": "podsandbox",
                       "io.kubernetes.container.name": "POD"},
            "HostConfig": {
                "NetworkMode": "host" if host else "none", "IpcMode": "shareable", "ShmSize": 64 << 20, "CpuShares": 2,
                "SecurityOpt": ["no-new-privileges"], "CgroupParent": config.linux.cgroup_parent,
                "RestartPolicy": {"Name": "no"},
            },
        })
        self.pods.made.append(pod)
        self.checkpoint(pod, host)
        self.api.post(f"/containers/{pod.id}/start")
        self._resolver(pod)
        pod.addresses = [] if host else self.cni.attach(pod.id, self.api.pid(pod.id), config)
        return pod

    def checkpoint(self, pod, host):
        data = {}
        if pod.config.port_mappings:
            data["port_mappings"] = [
                {"protocol": PROTOCOLS[port.protocol], "container_port": port.container_port,
                 "host_port": port.host_port, **({"host_ip": port.host_ip} if port.host_ip else {})}
                for port in pod.config.port_mappings]
        if host:
            data["host_network"] = True
        (self.checkpoints / pod.id).write_text(json.dumps({
            "version": "v1", "name": pod.config.metadata.name, "namespace": pod.config.metadata.namespace,
            "data": data, "checksum": checksum(self.kind, data),
        }, separators=(",", ":")))

    def _resolver(self, pod):
        dns = pod.config.dns_config
        lines = [f"nameserver {server}" for server in dns.servers]
        lines += [f"search {' '.join(dns.searches)}"] if dns.searches else []
        lines += [f"options {' '.join(dns.options)}"] if dns.options else []
        if lines:
            path = pathlib.Path(self.api.inspect(pod.id)["ResolvConfPath"])
            path.write_text("".join(line + "\n" for line in lines))

    def create(self, pod, config, suffix=""):
        meta, log = pod.config.metadata, pod.log(config)
        log.parent.mkdir(parents=True, exist_ok=True)
        resources = config.linux.resources
        name = (f"k8s_{config.metadata.name}_{meta.name}_{meta.namespace}_{meta.uid}"
                f"_{config.metadata.attempt}{suffix}")
        return self.api.create(name, {
            "Image": config.image.image, "Entrypoint": list(config.command), "Cmd": list(config.args) or None,
            "Labels": {**shim_labels(config), "io.kubernetes.docker.type": "container",
                       "io.kubernetes.sandbox.id": pod.id, "io.kubernetes.container.logpath": str(log)},
            "Healthcheck": {"Test": ["NONE"]},
            "HostConfig": {
                "NetworkMode": f"container:{pod.id}", "IpcMode": f"container:{pod.id}", "ShmSize": 64 << 20,
                "Binds": [f"{mount.host_path}:{mount.container_path}{':ro' if mount.readonly else ''}"
                          for mount in config.mounts],
                "Memory": resources.memory_limit_in_bytes, "MemorySwap": resources.memory_limit_in_bytes,
                "CpuShares": resources.cpu_shares, "SecurityOpt": ["seccomp=unconfined"],
                "CgroupParent": pod.config.linux.cgroup_parent, "RestartPolicy": {"Name": "no"},
            },
        })

    def start(self, pod, config, suffix=""):
        """A container that runs, its log a link to Docker's."""
        container = self.create(pod, config, suffix)
        self.api.post(f"/containers/{container}/start")
        os.symlink(self.api.inspect(container)["LogPath"], pod.log(config))
        return container

    def wait(self, container):
        return self.api.post(f"/containers/{container}/wait")["StatusCode"]


class Engine:
    """The Engine API by its Unix socket."""

    def __init__(self, path):
        self.path = str(path)

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("docker", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self.path)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        assert answer.status < 400, (method, path, answer.status, data)
        return json.loads(data) if data else None

    def post(self, path, body=None):
        return self.call("POST", path, body)

    def create(self, name, body):
        return self.post(f"/containers/create?name={name}", body)["Id"]

    def inspect(self, container):
        return self.call("GET", f"/containers/{container}/json")

    def pid(self, container):
        return self.inspect(container)["State"]["Pid"]

    def remove(self, container):
        self.call("DELETE", f"/containers/{container}?force=1&v=1")


class LibCNI:
    """Runs the plugins and keeps their results as libcni does."""

    def __init__(self, network):
        [path] = network.configurations.glob("*.conflist")
        self.configuration = path.read_text()
        self.results = network.cache / "results"

    def attach(self, sandbox, pid, config):
        """ADD of the loopback and of the network; gives the addresses."""
        ports = [{"hostPort": port.host_port, "containerPort": port.container_port,
                  "protocol": PROTOCOLS[port.protocol], "hostIP": port.host_ip} for port in config.port_mappings]
        arguments = [["IgnoreUnknown", "1"], ["K8S_POD_NAMESPACE", config.metadata.namespace],
                     ["K8S_POD_NAME", config.metadata.name], ["K8S_POD_INFRA_CONTAINER_ID", sandbox]]
        for text in (json.dumps(LOOPBACK), self.configuration):
            result = self._add(text, sandbox, f"/proc/{pid}/ns/net", arguments, {"portMappings": ports})
        return [ip["address"].split("/")[0] for ip in result["ips"]]

    def _add(self, text, sandbox, netns, arguments, capabilities):
        network, result = json.loads(text), None
        for plugin in network["plugins"]:
            result = run_plugin("ADD", network, plugin, sandbox, netns, arguments, capabilities, result) or {}
        self.results.mkdir(parents=True, exist_ok=True)
        self.file(network["name"], sandbox).write_text(json.dumps({
            "kind": "cniCacheV1", "containerId": sandbox, "config": base64.b64encode(text.encode()).decode(),
            "ifName": "eth0", "networkName": network["name"], "cniArgs": arguments, "capabilityArgs": capabilities,
            "result": result,
        }, separators=(",", ":")))
        return result

    def detach(self, sandbox, netns=""):
        """DEL of the network by what the cache says, as cri-dockerd does it for whoever made the pod."""
        network = json.loads(self.configuration)
        cached = json.loads(self.file(network["name"], sandbox).read_text())
        assert cached["kind"] == "cniCacheV1" and cached["containerId"] == sandbox and cached["ifName"] == "eth0"
        network = json.loads(base64.b64decode(cached["config"]))
        for plugin in reversed(network["plugins"]):
            run_plugin("DEL", network, plugin, sandbox, netns, cached["cniArgs"], cached.get("capabilityArgs", {}),
                       cached["result"])
        self.file(network["name"], sandbox).unlink()
        self.file("cni-loopback", sandbox).unlink(missing_ok=True)

    def file(self, network, sandbox):
        return self.results / f"{network}-{sandbox}-eth0"

    def files(self):
        return sorted(path.name for path in self.results.iterdir()) if self.results.exists() else []


def run_plugin(verb, network, plugin, sandbox, netns, arguments, capabilities, previous):
    request = {**plugin, "name": network["name"], "cniVersion": network["cniVersion"]}
    wanted = {key: capabilities[key] for key in plugin.get("capabilities", {}) if key in capabilities}
    if wanted:
        request["runtimeConfig"] = wanted
    if previous is not None:
        request["prevResult"] = previous
    environment = {
        **os.environ, "CNI_COMMAND": verb, "CNI_CONTAINERID": sandbox, "CNI_NETNS": netns, "CNI_IFNAME": "eth0",
        "CNI_PATH": CNI_PLUGINS, "CNI_ARGS": ";".join("=".join(pair) for pair in arguments),
    }
    done = subprocess.run([f"{CNI_PLUGINS}/{plugin['type']}"], input=json.dumps(request), env=environment,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (verb, plugin["type"], done.stdout, done.stderr)
    return json.loads(done.stdout) if done.stdout.strip() else None


def shim_labels(config):
    return {**config.labels, **{f"annotation.{key}": value for key, value in config.annotations.items()}}


def checksum(kind, data):
    """FNV-1a of the data as go-spew prints it."""
    outer, inner = TYPES[kind]
    ports = "<nil>"
    if "port_mappings" in data:
        ports = "[" + " ".join(
            f"<*>{{Protocol:(*{inner}.Protocol){port['protocol']} ContainerPort:(*int32){port['container_port']}"
            f" HostPort:(*int32){port['host_port']} HostIP:(string){port.get('host_ip', '')}}}"
            for port in data["port_mappings"]) + "]"
    host = str(data.get("host_network", False)).lower()
    text = f"({outer}.CheckpointData){{PortMappings:([]*{inner}.PortMapping){ports} HostNetwork:(bool){host}}}"
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


def connected(address, port):
    """A connection, or None while there is none to be had."""
    try:
        return socket.create_connection((address, port), timeout=5)
    except OSError:
        return None


def echo(peer, data):
    peer.sendall(data)
    return peer.recv(100)
