"""A node of dockershim or cri-dockerd goes over to the server with its pods by `fender migrate`, and comes back."""

import json
import os

import pytest

from harness.node import Node
from harness.schema import pb
from harness.shim import Shim, checksum, connected, echo
from harness.waiting import until

pytestmark = pytest.mark.docker

COUNT = ["/bin/sh", "-c", "i=0; while :; do echo line $i; i=$((i+1)); /bin/sleep 0.05; done"]


@pytest.fixture(params=["dockershim", "cri-dockerd"])
def kind(request):
    return request.param


@pytest.fixture
def old_node(kind, client, docker, network, server, pods, work, tmp_path):
    """A node of the old world with its shim at work; systemctl starts and stops the real server there."""
    node = Node(tmp_path, kind)
    root = {"dockershim": node.root / "var/lib/dockershim", "cri-dockerd": node.root / "var/lib/cri-dockerd"}[kind]
    (node.root / "run/fender").mkdir(parents=True)
    (node.root / "run/fender/fender.sock").symlink_to(server.socket)
    former = list(server.daemon.command)
    command = server.daemon.command = list(former)
    command[command.index("--cri-dockerd-root-directory") + 1] = str(node.root / "var/lib/fender")
    command[command.index("--adopt-root-directories") + 1] = str(root)
    command += ["--config", str(node.root / "etc/fender/config.toml")]
    server.daemon.stop()

    def act(words):
        match words[1:]:
            case ["enable", "--now", "fender.socket", "fender.service"]:
                server.daemon.start()
            case ["restart", "fender.service"]:
                server.restart(kill=False)
            case ["stop", "fender.socket", "fender.service"]:
                server.daemon.stop()

    node.on_command = act
    node.shim = Shim(kind, docker, network, root, pods)
    node.shim.client = client
    yield node
    node.close()
    if server.daemon.process is None:
        (node.root / "etc/fender").mkdir(exist_ok=True)
        (node.root / "etc/fender/config.toml").touch()
        server.daemon.start()
    pods.remove()
    server.daemon.stop()
    server.daemon.command = former
    server.daemon.start()


def test_a_node_migrates_and_comes_back(old_node, client, pods, request, network):
    """No connection is cut, no address changes, exec and logs work; undone, every file is as it was."""
    fender = request.config.getoption("--fender")
    shim, before, state = old_node.shim, old_node.files(), old_node.state()
    pod = shim.run(ports=[pb.PortMapping(container_port=7000, host_port=8290)])
    container = shim.start(pod, pod.container(command=["/bin/nc", "-l", "-p", "7000", "-e", "/bin/cat"]))
    counting = pod.container(name="counts", command=COUNT)
    counter = shim.start(pod, counting)
    direct = until(lambda: connected(pod.addresses[0], 7000))
    pids = [shim.api.pid(one) for one in (pod.id, container, counter)]
    assert echo(direct, b"before\n") == b"before\n"

    assert old_node.files() == before
    told = old_node.run(fender, "--apply")
    assert "Fender serves 1 pods" in told and old_node.annotation == "unix:///run/fender/fender.sock"
    assert echo(direct, b"after\n") == b"after\n"
    status = pod.status
    assert status.state == pb.SANDBOX_READY
    assert [status.network.ip, *(ip.ip for ip in status.network.additional_ips)] == pod.addresses
    assert client.exec(container, "/bin/echo", "here") == "here\n"
    size = pod.log(counting).stat().st_size
    until(lambda: pod.log(counting).stat().st_size > size)
    assert [shim.api.pid(one) for one in (pod.id, container, counter)] == pids

    # A pod of Fender's own, which the shim is to manage afterwards.
    new = pods.run(ports=[pb.PortMapping(container_port=80, host_port=8291)])
    writing = new.container(name="writes", command=COUNT)
    writer = new.start(writing)
    until(lambda: new.log(writing).stat().st_size)
    assert not new.log(writing).is_symlink()

    old_node.run(fender, "--undo")
    assert old_node.files() == before and old_node.state() == state
    assert echo(direct, b"still\n") == b"still\n"
    assert [shim.api.pid(one) for one in (pod.id, container, counter)] == pids
    for one, config, id in ((pod, counting, counter), (new, writing, writer)):
        assert os.readlink(one.log(config)) == shim.api.inspect(id)["LogPath"]
        if old_node.kind == "cri-dockerd" or one is pod:
            written = json.loads((shim.checkpoints / one.id).read_text())
            assert written["checksum"] == checksum(old_node.kind, written["data"])
    direct.close()
