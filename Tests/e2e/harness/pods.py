"""Pods and containers as a kubelet would ask for them."""

import itertools
import pathlib
import shutil
import subprocess
import uuid

from . import images
from .leaks import removed
from .schema import pb
from .waiting import until

SLEEP = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait; done"]


class Pods:
    """Makes pods and removes whatever it made."""

    # The runtime handler of those that name none.
    handler = ""

    def __init__(self, client, work, cgroup_parent):
        self.client = client
        self.work = pathlib.Path(work)
        self.cgroup_parent = cgroup_parent
        self.made = []

    def config(self, *, name=None, namespace="tests", attempt=0, hostname=None, labels=None, annotations=None,
               dns=None, ports=(), sysctls=None, network=pb.POD, pid=pb.CONTAINER, ipc=pb.POD, userns=None,
               **security):
        uid = str(uuid.uuid4())
        name = name or f"pod-{uid[:8]}"
        logs = self.work / "pods" / f"{namespace}_{name}_{uid}"
        logs.mkdir(parents=True)
        return pb.PodSandboxConfig(
            metadata=pb.PodSandboxMetadata(name=name, uid=uid, namespace=namespace, attempt=attempt),
            hostname=hostname if hostname is not None else name if network == pb.POD else "",
            log_directory=str(logs),
            dns_config=dns, port_mappings=ports, labels=labels, annotations=annotations,
            linux=pb.LinuxPodSandboxConfig(
                cgroup_parent=self._cgroup(uid), sysctls=sysctls,
                security_context=pb.LinuxSandboxSecurityContext(
                    namespace_options=pb.NamespaceOption(network=network, pid=pid, ipc=ipc, userns_options=userns),
                    **security)))

    def _cgroup(self, uid):
        """The pod's parent as a kubelet names it, with either driver."""
        if self.cgroup_parent.endswith(".slice"):
            return f"/{self.cgroup_parent}/{self.cgroup_parent.removesuffix('.slice')}-pod{uid.replace('-', '_')}.slice"
        return f"/{self.cgroup_parent}/pod{uid}"

    def run(self, config=None, handler="", **options):
        config = config or self.config(**options)
        pod = Pod(self, config)
        self.made.append(pod)
        pod.id = self.client.RunPodSandbox(config=config, runtime_handler=handler or self.handler).pod_sandbox_id
        return pod

    def remove(self):
        for pod in self.made:
            pod.remove()
        for parent in {pod.config.linux.cgroup_parent for pod in self.made}:
            remove_cgroup(parent)
        self.made.clear()


class Pod:
    def __init__(self, pods, config):
        self.client = pods.client
        self.config = config
        self.id = None
        self.attempts = itertools.count()

    @property
    def status(self):
        return self.client.sandbox_status(self.id)

    @property
    def ip(self):
        return self.status.network.ip

    def container(self, *, name="main", image=images.BUSYBOX, command=SLEEP, args=(), env=None, resources=None,
                  pid=None, target="", security=None, **fields):
        """A container's configuration; `security` are fields of LinuxContainerSecurityContext."""
        attempt = next(self.attempts)
        options = pb.NamespaceOption()
        options.CopyFrom(self.config.linux.security_context.namespace_options)
        if pid is not None:
            options.pid = pid
        options.target_id = target
        return pb.ContainerConfig(
            metadata=pb.ContainerMetadata(name=name, attempt=attempt),
            image=pb.ImageSpec(image=image), command=command, args=args,
            envs=[pb.KeyValue(key=key, value=value.encode()) for key, value in (env or {}).items()],
            log_path=fields.pop("log_path", f"{name}/{attempt}.log"),
            linux=pb.LinuxContainerConfig(
                resources=pb.LinuxContainerResources(**(resources or {})),
                security_context=pb.LinuxContainerSecurityContext(namespace_options=options, **(security or {}))),
            **fields)

    def create(self, config=None, **options):
        config = config or self.container(**options)
        self.log(config).parent.mkdir(parents=True, exist_ok=True)
        return self.client.CreateContainer(
            pod_sandbox_id=self.id, config=config, sandbox_config=self.config).container_id

    def start(self, config=None, **options):
        container = self.create(config, **options)
        self.client.StartContainer(container_id=container)
        return container

    def log(self, config):
        return pathlib.Path(self.config.log_directory) / config.log_path

    def stop(self):
        self.client.StopPodSandbox(pod_sandbox_id=self.id)

    def remove(self):
        if self.id and self.client.sandboxes(id=self.id):
            self.stop()
            self.client.RemovePodSandbox(pod_sandbox_id=self.id)
        shutil.rmtree(self.config.log_directory, ignore_errors=True)


def remove_cgroup(parent):
    """Removes the pod's cgroup, as a kubelet does; fails if something goes on living below it."""
    if parent.endswith(".slice"):
        subprocess.run(["systemctl", "stop", parent.rsplit("/")[-1]], check=True)
    root = pathlib.Path("/sys/fs/cgroup")
    for hierarchy in [root, *root.iterdir()]:
        directory = hierarchy / parent.lstrip("/")
        until(lambda: removed(directory), timeout=5, what=f"{directory} is empty: {[*directory.rglob('cgroup.procs')]}")
