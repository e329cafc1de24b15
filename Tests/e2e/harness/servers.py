"""The CRI servers that the suite can drive: Fender, the reference containerd, or one that runs already."""

import json
import pathlib

import grpc

from .client import Client
from .process import Daemon

CNI_PLUGINS = "/usr/lib/cni"


class Network:
    """The CNI configuration of a server: a bridge with IPv4 and IPv6 addresses, and host ports."""

    def __init__(self, work, number=88):
        """`number` tells one network from another: it is in its addresses and in its bridge's name."""
        self.root = pathlib.Path(work) / "cni"
        self.configurations = self.root / "net.d"
        self.cache = self.root / "cache"
        self.addresses = self.root / "addresses"
        self.configurations.mkdir(parents=True)
        (self.configurations / "10-tests.conflist").write_text(json.dumps({
            "cniVersion": "0.4.0", "name": "tests", "plugins": [
                {
                    "type": "bridge", "bridge": f"tests{number}", "isGateway": True, "ipMasq": False, "hairpinMode": True,
                    "ipam": {
                        "type": "host-local", "dataDir": str(self.addresses),
                        "ranges": [[{"subnet": f"10.{number}.0.0/16"}], [{"subnet": f"fd00:{number}::/64"}]],
                        "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}],
                    },
                },
                {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
            ],
        }))

    def held(self):
        """The addresses that host-local has given and not got back."""
        directory = self.addresses / "tests"
        names = [path.name for path in directory.iterdir()] if directory.exists() else []
        return sorted(name for name in names if name[0] in "0123456789f" and name[-1].isalnum() and "last" not in name)


# OCI runtimes that native pods may have for their containers, by runtime handler.
HANDLERS = {"runc": "/usr/sbin/runc", "crun": "/usr/bin/crun"}


def handlers():
    return ["--runtime-handlers", ",".join(f"{name}={path}" for name, path in HANDLERS.items())]


class Server:
    """What the tests know of a server: its socket and a client for it."""

    kind = "external"
    # A name of the default runtime handler.
    handler = "runc"
    daemon = None

    def __init__(self, socket):
        self.socket = pathlib.Path(socket)
        self.client = Client(self.socket)

    def answers(self):
        try:
            self.client.Version(deadline=5)
        except grpc.RpcError:
            return False
        return True

    def start(self):
        return self

    def stop(self):
        self.client.close()


class Fender(Server):
    kind = "fender"

    def __init__(self, work, binary, network, docker=None):
        """On `docker`, or without one on its own."""
        self.root = pathlib.Path(work) / "fender"
        self.root.mkdir()
        super().__init__(self.root / "fender.sock")
        self.docker, self.network = docker, network
        self.handler = "runc" if docker else "native"
        self.state = self.root / "state"
        self.adopted = self.root / "dockershim"
        self.metrics = self.root / "metrics.sock"
        command = [
            pathlib.Path(binary).resolve(), "serve",
            "--container-runtime-endpoint", f"unix://{self.socket}",
            *(["--docker-endpoint", f"unix://{docker.socket}"] if docker else ["--runtime=native", *handlers()]),
            "--cri-dockerd-root-directory", self.state,
            "--state-directory", self.root / "run",
            "--adopt-root-directories", self.adopted,
            "--cni-conf-dir", network.configurations,
            "--cni-bin-dir", CNI_PLUGINS,
            "--cni-cache-dir", network.cache,
            "--metrics-bind-addr", f"unix://{self.metrics}",
            "--log-level", "debug",
        ]
        self.daemon = Daemon("fender", work, command, ready=self.answers)

    def answers(self):
        """Whether it has read Docker and lists what is there."""
        try:
            self.client.ListPodSandbox(deadline=5)
        except grpc.RpcError:
            return False
        return True

    def tells_status(self):
        """Whether it answers at all, as it must without Docker too."""
        try:
            self.client.Status(deadline=5)
        except grpc.RpcError:
            return False
        return True

    def start(self):
        self.daemon.start()
        return self

    def stop(self):
        super().stop()
        assert self.daemon.stop() in (0, None), self.daemon.tail()

    def kill(self):
        self.daemon.stop(kill=True)

    def restart(self, kill=True):
        status = self.daemon.stop(kill=kill)
        self.daemon.start()
        return status


class Containerd(Server):
    """Debian's containerd, against which a check of ours is tried before it is believed."""

    kind = "containerd"

    def __init__(self, work, network, pause):
        self.root = pathlib.Path(work) / "containerd"
        self.root.mkdir()
        super().__init__(self.root / "containerd.sock")
        configuration = self.root / "config.toml"
        configuration.write_text(f"""
            version = 2
            root = "{self.root}/data"
            state = "{self.root}/state"
            [grpc]
            address = "{self.socket}"
            [plugins."io.containerd.grpc.v1.cri"]
            sandbox_image = "{pause}"
            restrict_oom_score_adj = true
            [plugins."io.containerd.grpc.v1.cri".cni]
            bin_dir = "{CNI_PLUGINS}"
            conf_dir = "{network.configurations}"
        """)
        self.daemon = Daemon("containerd", work, ["containerd", "--config", configuration], ready=self.answers)

    def start(self):
        self.daemon.start()
        return self

    def stop(self):
        super().stop()
        self.daemon.stop()
