"""Pods that dockershim and cri-dockerd left are the server's at its start, as they are; and the way back."""

import calendar
import json
import os
import re
import signal
import subprocess
import time
import urllib.request

import pytest

from harness import images
from harness.schema import pb
from harness.shim import Shim, checksum, connected, echo, shim_labels
from harness.waiting import until

pytestmark = pytest.mark.docker

LABELS = {"app": "web", "empty": "", "odd": 'line\n"q" \\ ü', "io.kubernetes.pod.uid": "looks known"}
COUNT = ["/bin/sh", "-c", "i=0; while :; do echo line $i; i=$((i+1)); /bin/sleep 0.05; done"]
ANNOTATIONS = {"io.kubernetes.container.hash": "9d2a", "empty": "", "json": '{"a":\n1}', "größe": "ü"}


@pytest.fixture(params=["dockershim", "cri-dockerd"])
def kind(request):
    return request.param


@pytest.fixture
def shim(kind, client, docker, network, server, pods):
    """The shim at work while the server is down; `shim.leave()` ends it and starts the server."""
    server.daemon.stop()
    shim = Shim(kind, docker, network, server.adopted if kind == "dockershim" else server.state, pods)
    shim.client = client

    def leave():
        server.daemon.start()
        return client

    shim.leave = leave
    yield shim
    if server.daemon.process is None:
        leave()
    pods.remove()
    assert shim.cni.files() == [] and os.listdir(shim.checkpoints) == []


def nanoseconds(text):
    """Docker's RFC 3339 time."""
    whole, fraction = re.fullmatch(r"([^.Z]+)(?:\.(\d+))?Z", text).groups()
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int((fraction or "0").ljust(9, "0"))


def test_sandboxes_are_read_as_they_are(shim):
    plain = shim.run(labels=LABELS, annotations=ANNOTATIONS, attempt=3)
    suffixed = shim.run(suffix="_00c0ffee")
    host = shim.run(network=pb.NODE)
    ended = shim.run()
    shim.api.post(f"/containers/{ended.id}/stop?t=0")
    client = shim.leave()
    for pod in (plain, suffixed, host, ended):
        status, [item] = pod.status, client.sandboxes(id=pod.id)
        state = pb.SANDBOX_NOTREADY if pod is ended else pb.SANDBOX_READY
        assert status.metadata == item.metadata == pod.config.metadata
        assert status.state == item.state == state
        assert dict(status.labels) == dict(item.labels) == dict(pod.config.labels)
        assert dict(status.annotations) == dict(item.annotations) == dict(pod.config.annotations)
        assert status.created_at == item.created_at == nanoseconds(shim.api.inspect(pod.id)["Created"])
        assert status.linux.namespaces.options.network == (pb.NODE if pod is host else pb.POD)
        if pod in (plain, suffixed):
            assert [status.network.ip, *(ip.ip for ip in status.network.additional_ips)] == pod.addresses


def test_containers_are_read_as_they_are(shim, work):
    pod = shim.run()
    source = work / "adopted-volume"
    source.mkdir(exist_ok=True)
    config = pod.container(
        name="runs", labels=LABELS, annotations=ANNOTATIONS,
        resources=dict(cpu_shares=102, memory_limit_in_bytes=64 << 20),
        mounts=[pb.Mount(host_path=str(source), container_path="/volume", readonly=True)])
    done = pod.container(name="done", command=["/bin/true"])
    failed = pod.container(name="failed", command=["/bin/sh", "-c", "exit 3"])
    made = pod.container(name="made")
    ids = {"runs": shim.start(pod, config, suffix="_0badcafe"), "done": shim.start(pod, done),
           "failed": shim.start(pod, failed), "made": shim.create(pod, made)}
    shim.wait(ids["done"]), shim.wait(ids["failed"])
    client = shim.leave()
    expected = {"runs": (pb.CONTAINER_RUNNING, 0, ""), "done": (pb.CONTAINER_EXITED, 0, "Completed"),
                "failed": (pb.CONTAINER_EXITED, 3, "Error"), "made": (pb.CONTAINER_CREATED, 0, "")}
    assert {item.id for item in client.containers(pod_sandbox_id=pod.id)} == set(ids.values())
    for one in (config, done, failed, made):
        name, docker = one.metadata.name, shim.api.inspect(ids[one.metadata.name])
        status, [item] = client.status(ids[name]), client.containers(id=ids[name])
        assert status.metadata == item.metadata == one.metadata
        assert (status.state, status.exit_code, status.reason) == expected[name] and item.state == status.state
        assert dict(status.labels) == dict(item.labels) == dict(one.labels)
        assert dict(status.annotations) == dict(item.annotations) == dict(one.annotations)
        assert status.created_at == item.created_at == nanoseconds(docker["Created"])
        assert status.log_path == str(pod.log(one))
        assert status.image.image == images.BUSYBOX and status.image_ref == status.image_id == docker["Image"]
        if status.state != pb.CONTAINER_CREATED:
            assert status.started_at == nanoseconds(docker["State"]["StartedAt"])
            assert os.readlink(status.log_path) == docker["LogPath"]
        if status.state == pb.CONTAINER_EXITED:
            assert status.finished_at == nanoseconds(docker["State"]["FinishedAt"])
    runs = client.status(ids["runs"])
    assert [(m.host_path, m.container_path, m.readonly) for m in runs.mounts] == [(str(source), "/volume", True)]
    assert (runs.resources.linux.cpu_shares, runs.resources.linux.memory_limit_in_bytes) == (102, 64 << 20)
    assert runs.user.linux.uid == 0


def test_adopted_pods_work_on(shim):
    """Without a restart of anything: what runs, runs on, and a connection stays open."""
    pod = shim.run(dns=pb.DNSConfig(servers=["10.96.0.10"], searches=["cluster.local"], options=["ndots:5"]))
    container = shim.start(pod, pod.container(command=["/bin/nc", "-l", "-p", "7000", "-e", "/bin/cat"]))
    made = pod.container(name="made")
    waiting = shim.create(pod, made)
    peer = until(lambda: connected(pod.addresses[0], 7000))
    pid = shim.api.pid(container)
    assert echo(peer, b"before\n") == b"before\n"
    client = shim.leave()
    assert echo(peer, b"after\n") == b"after\n"
    assert client.shell(container, "echo out; cat /etc/resolv.conf") == (
        "out\nnameserver 10.96.0.10\nsearch cluster.local\noptions ndots:5\n")
    client.UpdateContainerResources(
        container_id=container, linux=pb.LinuxContainerResources(cpu_shares=512, memory_limit_in_bytes=96 << 20))
    host = shim.api.inspect(container)["HostConfig"]
    assert (host["CpuShares"], host["Memory"], host["MemorySwap"]) == (512, 96 << 20, 96 << 20)

    joined = pod.start(name="joined")
    assert client.exec(joined, "/bin/readlink", "/proc/self/ns/net") == client.exec(
        container, "/bin/readlink", "/proc/self/ns/net")
    assert client.exec(joined, "/bin/cat", "/etc/resolv.conf").startswith("nameserver 10.96.0.10\n")
    client.StartContainer(container_id=waiting)
    assert client.exec(waiting, "/bin/hostname") == f"{pod.config.hostname}\n"

    assert echo(peer, b"still\n") == b"still\n" and shim.api.pid(container) == pid
    client.StopContainer(container_id=container)
    assert client.status(container).exit_code == 137
    peer.close()


def test_log_of_an_adopted_container(client, server, shim):
    """The link stays until the kubelet renames it; from then on the log is in the CRI's format, without end or gap."""
    pod = shim.run()
    config = pod.container(command=COUNT)
    container = shim.start(pod, config)
    shim.leave()
    log = pod.log(config)
    client.ReopenContainerLog(container_id=container)
    assert os.readlink(log) == shim.api.inspect(container)["LogPath"]

    rotated = log.with_name(log.name + ".20261124-100000")
    log.rename(rotated)
    client.ReopenContainerLog(container_id=container)
    assert not log.is_symlink()
    until(lambda: log.read_text().count("\n") > 3)
    older = log.with_name(log.name + ".20261124-100001")
    log.rename(older)
    server.restart()
    client.ReopenContainerLog(container_id=container)
    until(lambda: log.read_text().count("\n") > 3)
    client.StopContainer(container_id=container)

    numbers = [[int(line.split(" ")[-1]) for line in path.read_text().splitlines()] for path in (older, log)]
    first = numbers[0][0]
    written = [json.loads(line)["log"] for line in rotated.read_text().splitlines()]
    assert numbers[0] + numbers[1] == list(range(first, len(written)))
    assert written[:first] == [f"line {number}\n" for number in range(first)]


def test_the_end_of_an_adopted_pod(shim, network):
    held = network.held()
    pod = shim.run(ports=[pb.PortMapping(container_port=80, host_port=8280)])
    config = pod.container(command=["/bin/httpd", "-f", "-p", "80", "-h", "/www"])
    container = shim.start(pod, config)
    client = shim.leave()
    assert until(lambda: fetch("http://127.0.0.1:8280/")) == b"Hello from the pod\n"
    log, source = pod.log(config), shim.api.inspect(container)["LogPath"]
    assert os.path.realpath(log) == source

    pod.stop()
    assert network.held() == held and fetch("http://127.0.0.1:8280/") is None
    assert pod.status.state == pb.SANDBOX_NOTREADY and client.status(container).state == pb.CONTAINER_EXITED
    client.RemovePodSandbox(pod_sandbox_id=pod.id)
    assert client.sandboxes(id=pod.id) == [] and client.containers(pod_sandbox_id=pod.id) == []
    assert not os.path.lexists(log) and not (shim.checkpoints / pod.id).exists()
    assert shim.cni.files() == []


def fetch(url):
    try:
        return urllib.request.urlopen(url, timeout=2).read()
    except OSError:
        return None


@pytest.mark.parametrize("text", ["", "{", '{"version":"v9","data":7}', "\0" * 4096, None])
def test_no_checkpoint_stands_in_the_way(shim, network, text):
    held = network.held()
    pod = shim.run()
    container = shim.start(pod, pod.container())
    stranger = shim.checkpoints / ("e" * 64)
    if text is None:
        (shim.checkpoints / pod.id).unlink()
    else:
        for path in (shim.checkpoints / pod.id, stranger):
            path.write_text(text)
    client = shim.leave()
    until(lambda: not stranger.exists())
    assert pod.status.state == pb.SANDBOX_READY and pod.status.network.ip == pod.addresses[0]
    assert client.exec(container, "/bin/echo", "here") == "here\n"
    pod.stop()
    assert network.held() == held


def test_what_vanished_meanwhile_is_undone(shim, network):
    held = network.held()
    pod = shim.run(ports=[pb.PortMapping(container_port=80, host_port=8281)])
    shim.api.remove(pod.id)
    assert network.held() != held
    client = shim.leave()
    assert client.sandboxes(id=pod.id) == []
    until(lambda: not (shim.checkpoints / pod.id).exists())
    assert network.held() == held


def test_cache_of_an_old_library(shim, network):
    """libcni before 0.8 cached the bare result."""
    held = network.held()
    pod = shim.run()
    for path in shim.cni.results.iterdir():
        path.write_text(json.dumps(json.loads(path.read_text())["result"]))
    client = shim.leave()
    assert [pod.status.network.ip, *(ip.ip for ip in pod.status.network.additional_ips)] == pod.addresses
    pod.stop()
    assert network.held() == held and shim.cni.files() == []
    client.RemovePodSandbox(pod_sandbox_id=pod.id)


@pytest.fixture
def foreign(shim, pods):
    """A pod of another runtime with the same network, configuration and cache."""
    process = subprocess.Popen(["unshare", "--net", "/bin/sleep", "1000"])
    until(lambda: os.readlink(f"/proc/{process.pid}/ns/net") != os.readlink("/proc/self/ns/net"))
    sandbox = "f0" * 32
    shim.cni.attach(sandbox, process.pid, pods.config())
    yield sandbox
    shim.cni.detach(sandbox, f"/proc/{process.pid}/ns/net")
    os.kill(process.pid, signal.SIGTERM)
    process.wait()


@pytest.mark.parametrize("has_checkpoint", [False, True])
def test_pods_of_another_runtime_are_left_alone(shim, network, foreign, server, has_checkpoint):
    """Those of which only the shared cache knows, and those of a shim that works with another Docker."""
    files, held = shim.cni.files(), network.held()
    checkpoint = shim.checkpoints / foreign
    if has_checkpoint:
        checkpoint.write_text("{}")
    try:
        pod = shim.run()
        client = shim.leave()
        pod.stop()
        client.RemovePodSandbox(pod_sandbox_id=pod.id)
        server.restart()
        assert client.sandboxes(id=foreign) == []
        assert shim.cni.files() == files and network.held() == held
        assert checkpoint.exists() == has_checkpoint
    finally:
        checkpoint.unlink(missing_ok=True)


# The way back.


def test_logs_are_dockers_again(client, server, pods):
    """cri-dockerd writes no log: a server started with links makes them of the logs that it wrote."""
    pod = pods.run()
    config = pod.container(command=COUNT)
    container = pod.start(config)
    log = pod.log(config)
    until(lambda: log.read_text().count("\n") > 3)
    command = list(server.daemon.command)
    server.daemon.command = [*command, "--container-logs=symlink"]
    try:
        server.restart()
        assert os.readlink(log).endswith("-json.log")
        [rotated] = log.parent.glob(f"{log.name}.*")
        told = [line.split(" ", 3)[-1] for line in rotated.read_text().splitlines(keepends=True)]
        written = [json.loads(line)["log"] for line in log.read_text().splitlines()]
        assert told == written[:len(told)]
    finally:
        server.daemon.command = command
        server.restart()
    assert log.is_symlink() and client.status(container).state == pb.CONTAINER_RUNNING


def test_pods_are_cri_dockerds_when_the_server_stops(client, docker, network, server, pods):
    held = network.held()
    ports = [pb.PortMapping(container_port=80, host_port=8282, protocol=pb.TCP),
             pb.PortMapping(container_port=53, host_port=8283, protocol=pb.UDP, host_ip="127.0.0.1")]
    pod = pods.run(labels=LABELS, annotations=ANNOTATIONS, ports=ports, attempt=2)
    host = pods.run(network=pb.NODE)
    config = pod.container(labels=LABELS, annotations=ANNOTATIONS)
    container = pod.start(config)
    server.daemon.stop()
    shim = Shim("cri-dockerd", docker, network, server.state, pods)
    meta = pod.config.metadata
    try:
        made, of = shim.api.inspect(pod.id), shim.api.inspect(container)
        assert made["Name"] == f"/k8s_POD_{meta.name}_{meta.namespace}_{meta.uid}_2"
        assert of["Name"] == f"/k8s_main_{meta.name}_{meta.namespace}_{meta.uid}_0"
        assert ours(made) == {**shim_labels(pod.config), "io.kubernetes.docker.type": "podsandbox",
                              "io.kubernetes.container.name": "POD"}
        assert ours(of) == {**shim_labels(config), "io.kubernetes.docker.type": "container",
                            "io.kubernetes.sandbox.id": pod.id,
                            "io.kubernetes.container.logpath": str(pod.log(config))}
        assert of["HostConfig"]["NetworkMode"] == of["HostConfig"]["IpcMode"] == f"container:{pod.id}"
        for one in (pod, host):
            written = json.loads((shim.checkpoints / one.id).read_text())
            shim.checkpoint(one, one is host)
            assert written == json.loads((shim.checkpoints / one.id).read_text())
            assert written["checksum"] == checksum("cri-dockerd", written["data"])
        # StopPodSandbox and RemovePodSandbox as cri-dockerd does them.
        shim.cni.detach(pod.id, f"/proc/{made['State']['Pid']}/ns/net")
        assert network.held() == held
        for one in (container, pod.id, host.id):
            shim.api.remove(one)
        for one in (pod, host):
            (shim.checkpoints / one.id).unlink()
    finally:
        server.daemon.start()
    assert client.sandboxes() == [] and shim.cni.files() == []


def ours(inspection):
    """The labels that cri-dockerd knows."""
    labels = inspection["Config"]["Labels"]
    return {key: value for key, value in labels.items() if not key.startswith("io.fender.")}
