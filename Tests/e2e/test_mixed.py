"""Pods on Docker and without it on one node, through one socket: what a node passes through on its way off Docker."""

import json
import tomllib

import pytest

from harness import images
from harness.client import refused
from harness.kubelet import Kubelet
from harness.node import Node
from harness.schema import pb
from harness.waiting import until
from harness.websocket import STDOUT, WebSocket

pytestmark = pytest.mark.docker

# Of each kind.
PODS = 20


def on_docker(docker):
    """The ids of the containers that Docker has."""
    return set(docker("ps", "--all", "--no-trunc", "--format", "{{.ID}}").split())


@pytest.fixture
def both(pods):
    """A pod of each kind with a container that sleeps: (pod, container) on Docker, and native."""
    made = [pods.run(handler=handler) for handler in ("", "native")]
    return [(pod, pod.start()) for pod in made]


@pytest.fixture
def native_by_default(server):
    """Pods without a handler are native while a test runs."""
    command = list(server.daemon.command)
    server.daemon.command = [*command, "--default-back-end=native"]
    server.restart(kill=False)
    yield
    server.daemon.command = command
    server.restart(kill=False)


def image(client, **spec):
    return client.ImageStatus(image=pb.ImageSpec(**spec)).image


def test_a_handler_says_where_a_pod_goes(client, docker, both):
    (first, one), (second, two) = both
    assert {first.id, one} <= on_docker(docker)
    assert not {second.id, two} & on_docker(docker)
    assert (first.status.runtime_handler, second.status.runtime_handler) == ("", "native")
    names = [handler.name for handler in client.Status().runtime_handlers]
    assert names[0] == "" and {"runc", "native"} <= set(names) and len(names) == len(set(names))
    assert client.Version().runtime_name == "docker"


def test_calls_go_where_the_pod_is(client, pods, both):
    for pod, container in both:
        assert client.shell(container, "echo $((6 * 7))") == "42\n"
        url = client.Exec(container_id=container, cmd=["/bin/sh", "-c", "echo streamed"], stdout=True, stderr=True).url
        assert WebSocket(url, "v5.channel.k8s.io").collect()[STDOUT] == b"streamed\n"
        client.UpdateContainerResources(
            container_id=container, linux=pb.LinuxContainerResources(memory_limit_in_bytes=64 << 20))
        assert client.status(container).resources.linux.memory_limit_in_bytes == 64 << 20
        assert "pid" in client.ContainerStatus(container_id=container, verbose=True).info["info"]
        assert pod.id in client.PodSandboxStatus(pod_sandbox_id=pod.id, verbose=True).status.id
    with refused("NOT_FOUND", "INVALID_ARGUMENT", match="none"):
        client.RunPodSandbox(config=pods.config(), runtime_handler="none")


def test_pods_of_both_kinds_reach_each_other(client, both):
    (first, one), (second, two) = both
    assert first.ip != second.ip
    for container, other in ((one, second), (two, first)):
        client.shell(container, f"ping -c 1 -W 2 {other.ip}")


def test_lists_events_and_statistics_have_both(client, both):
    ids = {container for _, container in both}
    assert ids <= {container.id for container in client.ListContainers().containers}
    assert {pod.id for pod, _ in both} <= {pod.id for pod in client.sandboxes()}
    statistics = {each.attributes.id: each for each in client.ListContainerStats().stats}
    for container in ids:
        assert statistics[container].memory.working_set_bytes.value > 0
    assert {pod.id for pod, _ in both} <= {each.attributes.id for each in client.ListPodSandboxStats().stats}
    mountpoints = {usage.fs_id.mountpoint for usage in client.ImageFsInfo().image_filesystems}
    assert len(mountpoints) == 2


def test_a_native_pod_takes_images_over_from_docker(client, docker, pods, registry):
    name = images.BUSYBOX.replace(":", "-for-mixed:")
    docker("tag", images.BUSYBOX, name)
    until(lambda: image(client, image=name).id)
    known = image(client, image=name)
    assert image(client, image=name, runtime_handler="native").id == known.id
    container = pods.run(handler="native").start(image=known.id)
    assert client.shell(container, "echo here") == "here\n"
    assert client.status(container).image_id == known.id
    # One image in two stores is listed once, by either name.
    listed = [each for each in client.ListImages().images if each.id == known.id]
    assert len(listed) == 1 and any("for-mixed" in tag for tag in listed[0].repo_tags)
    docker("rmi", name)


def test_removal_is_of_both_stores(client, docker, pods, registry):
    name = images.SMALL
    client.PullImage(image=pb.ImageSpec(image=name))
    client.PullImage(image=pb.ImageSpec(image=name, runtime_handler="native"))
    identifier = image(client, image=name).id
    client.RemoveImage(image=pb.ImageSpec(image=name))
    for handler in ("", "native"):
        assert not image(client, image=name, runtime_handler=handler).id
    assert identifier not in {each.id for each in client.ListImages().images}
    assert identifier not in docker("images", "--all", "--no-trunc", "--quiet").split()


def test_an_image_pulled_for_native_pods_is_not_there_for_docker(client):
    name = images.SMALL
    client.PullImage(image=pb.ImageSpec(image=name, runtime_handler="native"))
    assert image(client, image=name, runtime_handler="native").id
    assert not image(client, image=name).id, "a kubelet would not pull it"
    client.RemoveImage(image=pb.ImageSpec(image=name, runtime_handler="native"))
    assert not image(client, image=name, runtime_handler="native").id


def test_a_repeated_request_finds_its_pod_wherever_it_is(client, pods, both):
    for pod, _ in both:
        for handler in ("", "native"):
            again = client.RunPodSandbox(config=pod.config, runtime_handler=handler)
            assert again.pod_sandbox_id == pod.id


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "ended"])
def test_both_kinds_outlive_the_daemon(client, server, both, kill):
    def seen():
        return [(pod.status, client.status(container)) for pod, container in both]

    before = seen()
    server.restart(kill=kill)
    assert seen() == before
    for pod, container in both:
        assert client.shell(container, "echo alive") == "alive\n"


def test_many_pods_and_the_end_of_docker(client, server, docker, pods):
    made = {handler: [pods.run(handler=handler) for _ in range(PODS)] for handler in ("", "native")}
    running = {handler: [pod.start() for pod in made[handler]] for handler in made}
    everything = {container for containers in running.values() for container in containers}
    assert everything <= {container.id for container in client.ListContainers().containers}
    assert everything <= {each.attributes.id for each in client.ListContainerStats().stats}
    for pod in made[""]:
        pod.remove()
    before = [(client.status(container), pod.status) for pod, container in zip(made["native"], running["native"])]
    docker.daemon.stop()
    try:
        for container in running["native"]:
            assert client.shell(container, "echo untouched") == "untouched\n"
        after = [(client.status(container), pod.status) for pod, container in zip(made["native"], running["native"])]
        assert after == before
        conditions = {each.type: each.status for each in client.Status().status.conditions}
        assert not conditions["RuntimeReady"], "pods without a handler would go to Docker"
        made["native"].pop().remove()
    finally:
        docker.daemon.start()
        until(lambda: all(each.status for each in client.Status().status.conditions))


def test_native_by_default(client, server, docker, pods, both, native_by_default):
    pod = pods.run()
    container = pod.start()
    assert not {pod.id, container} & on_docker(docker)
    assert client.shell(both[0][1], "echo on Docker") == "on Docker\n"
    on = pods.run(handler="runc")
    assert on.id in on_docker(docker)
    on.remove()
    both[0][0].remove()
    docker.daemon.stop()
    try:
        # With no pod left on Docker the node does not need it.
        assert all(each.status for each in client.Status().status.conditions)
        assert client.shell(pods.run().start(), "echo new") == "new\n"
        assert client.ImageFsInfo().image_filesystems
    finally:
        docker.daemon.start()
        until(lambda: json.loads(client.Status(verbose=True).info["info"])["dockerVersion"])
        until(lambda: len(client.ImageFsInfo().image_filesystems) == 2)


@pytest.fixture
def node(server, tmp_path):
    """A node whose `systemctl restart fender.service` restarts the server with the settings that are there then."""
    node = Node(tmp_path, "cri-dockerd")
    command = list(server.daemon.command)

    def restart(words):
        assert words == ["systemctl", "restart", "fender.service"]
        settings = tomllib.loads((node.root / "etc/fender/config.toml").read_text())
        server.daemon.command = [*command, f"--default-back-end={settings['default_back_end']}"]
        server.restart(kill=False)

    node.on_command = restart
    yield node
    node.close()
    server.daemon.command = command
    server.restart(kill=False)


def test_a_node_moves_off_docker_pod_by_pod_and_back(client, server, docker, pods, node, request):
    fender = request.config.getoption("--fender")
    move = ["--endpoint", f"unix://{server.socket}", "--timeout", "30", "--to"]
    grace = {"io.kubernetes.pod.terminationGracePeriod": "5"}
    other = pods.run(handler="runc")
    moving = [pods.run() for _ in range(4)]
    with Kubelet(pods) as kubelet:
        for pod in moving:
            pod.start(annotations=grace)
            kubelet.keep(pod, annotations=grace)

        def places():
            """Whether each pod is on Docker, where its container must run."""
            for pod in moving:
                container, = client.containers(pod_sandbox_id=pod.id)
                assert client.shell(container.id, "echo here") == "here\n"
            return {pod.id in on_docker(docker) for pod in moving}

        plan = node.run(fender, *move, "native")
        assert all(f"move tests/{pod.config.metadata.name}" in plan for pod in moving)
        assert other.config.metadata.name not in plan and node.calls == [] and places() == {True}
        done = node.run(fender, *move, "native", "--drain-by-pod")
        assert "may be stopped" in done and places() == {False}
        assert {pod.config.metadata.attempt for pod in moving} == {1}
        assert other.status.state == pb.SANDBOX_READY
        assert "nothing to do" in node.run(fender, *move, "native")
        # By steps: first only what is new goes back.
        node.run(fender, *move, "docker", "--apply")
        assert places() == {False} and len(node.calls) == 2
        node.run(fender, *move, "docker", "--drain-by-pod")
        assert places() == {True} and len(node.calls) == 2


def test_a_pod_that_nobody_makes_anew_is_told(client, server, docker, pods, node, request):
    pod = pods.run()
    complaint = node.run(
        request.config.getoption("--fender"), "--endpoint", f"unix://{server.socket}", "--timeout", "3", "--to", "native",
        "--drain-by-pod", code=1)
    assert f"tests/{pod.config.metadata.name} does not come back" in complaint
