"""What others do to Docker behind the server's back, what the server's own death does, and Docker's."""

import threading
import time

import grpc
import pytest

from harness.client import refused
from harness.schema import pb
from harness.waiting import until

pytestmark = pytest.mark.docker
SOON = 1.0


def state(client, container):
    return [item.state for item in client.containers(id=container)]


def test_docker_kill(client, docker, pods):
    container = pods.run().start()
    docker("kill", container)
    until(lambda: state(client, container) == [pb.CONTAINER_EXITED], timeout=SOON)
    assert client.status(container).exit_code == 137


def test_docker_stop(client, docker, pods):
    container = pods.run().start()
    docker("stop", container)
    until(lambda: state(client, container) == [pb.CONTAINER_EXITED], timeout=SOON)
    assert client.status(container).exit_code == 0


def test_docker_rm(client, docker, pods):
    container = pods.run().start()
    docker("rm", "--force", container)
    until(lambda: client.containers(id=container) == [], timeout=SOON)
    with refused("NOT_FOUND"):
        client.status(container)


def test_docker_kills_the_pause_container(client, docker, pods):
    pod = pods.run()
    docker("kill", pod.id)
    until(lambda: [item.state for item in client.sandboxes(id=pod.id)] == [pb.SANDBOX_NOTREADY], timeout=SOON)
    assert pod.status.state == pb.SANDBOX_NOTREADY
    pod.stop()


def test_docker_removes_the_pause_container(client, docker, pods, network):
    held = network.held()
    pod = pods.run()
    docker("rm", "--force", pod.id)
    until(lambda: client.sandboxes(id=pod.id) == [], timeout=SOON)
    client.StopPodSandbox(pod_sandbox_id=pod.id)
    client.RemovePodSandbox(pod_sandbox_id=pod.id)
    until(lambda: network.held() == held)


def test_docker_rmi_and_tag(client, docker):
    docker("tag", "127.0.0.1:5000/busybox:1", "named.local/by-hand:1")
    until(lambda: client.image("named.local/by-hand:1"), timeout=SOON)
    docker("rmi", "named.local/by-hand:1")
    until(lambda: client.image("named.local/by-hand:1") is None, timeout=SOON)


def test_containers_that_are_not_pods_are_not_ours(client, docker):
    other = docker("run", "--detach", "--network", "none", "127.0.0.1:5000/busybox:1", "/bin/sleep", "1000")
    try:
        assert client.containers(id=other) == []
        with refused("NOT_FOUND"):
            client.status(other)
    finally:
        docker("rm", "--force", other)


def test_docker_update(client, docker, pods):
    container = pods.run().start(resources=dict(cpu_shares=512))
    docker("update", "--cpu-shares", "256", container)
    until(lambda: client.status(container).resources.linux.cpu_shares == 256, timeout=SOON)


def test_events(client, pods):
    """Each step of a container and of its pod is told once, in order, with what a kubelet needs to know of it."""
    feed = client.GetContainerEvents(deadline=60)
    seen = []

    def read():
        try:
            seen.extend(iter(lambda: next(feed), None))
        except grpc.RpcError:
            pass

    reader = threading.Thread(target=read)
    reader.start()
    try:
        # The feed tells of what comes after its start: the first pod it shows proves that it has begun.
        until(lambda: pods.run() and seen)
        pod = pods.run()
        container = pod.start()
        client.StopContainer(container_id=container, timeout=0)
        client.RemoveContainer(container_id=container)
        until(lambda: len([event for event in seen if event.container_id == container]) >= 4)
    finally:
        feed.cancel()
        reader.join()
    events = [event for event in seen if event.container_id == container]
    assert [event.container_event_type for event in events] == [
        pb.CONTAINER_CREATED_EVENT, pb.CONTAINER_STARTED_EVENT, pb.CONTAINER_STOPPED_EVENT, pb.CONTAINER_DELETED_EVENT]
    for event in events:
        assert event.pod_sandbox_status.id == pod.id and event.created_at > 0
    assert [status.id for status in events[1].containers_statuses] == [container]


# The server dies.


def snapshot(client):
    return (
        sorted((item.id, item.state, dict(item.labels) == {}, item.created_at) for item in client.sandboxes()),
        sorted((item.id, item.state, item.image_id, item.pod_sandbox_id, item.created_at) for item in client.containers()),
        sorted((image.id, tuple(sorted(image.repo_tags))) for image in client.ListImages().images),
    )


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "asked to stop"])
def test_restart_changes_nothing(client, server, pods, kill):
    pod, stopped = pods.run(labels={"a": "1"}), pods.run()
    running, created = pod.start(), pod.create(name="created")
    ended = pod.start(name="ended", command=["/bin/sh", "-c", "exit 6"])
    until(lambda: state(client, ended) == [pb.CONTAINER_EXITED])
    stopped.stop()
    def statuses():
        found = [client.status(container) for container in (running, created, ended)]
        for status in found[1:]:
            status.ClearField("user")  # read from the living process: no other can be told of after a restart
        return [*found, pod.status]

    before, told = snapshot(client), statuses()
    assert server.restart(kill=kill) == (-9 if kill else 0)
    assert snapshot(client) == before
    for before, after in zip(told, statuses()):
        assert str(after) == str(before)
    assert client.shell(running, "echo alive") == "alive\n"
    client.StartContainer(container_id=created)
    client.RemoveContainer(container_id=running)


def test_what_ended_while_the_server_was_dead(client, server, docker, pods):
    pod, other = pods.run(), pods.run()
    killed, removed = pod.start(), pod.start(name="removed")
    server.daemon.stop(kill=True)
    docker("kill", killed)
    docker("rm", "--force", removed)
    docker("kill", other.id)
    server.daemon.start()
    assert state(client, killed) == [pb.CONTAINER_EXITED] and client.status(killed).exit_code == 137
    assert state(client, removed) == []
    assert other.status.state == pb.SANDBOX_NOTREADY


@pytest.mark.parametrize("after", [0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8])
def test_killed_while_it_makes_a_pod(client, server, pods, ledger, after):
    """Whatever was half made is either usable or removable; nothing of it stays behind (the pods fixture counts)."""
    config = pods.config()
    call = client.RunPodSandbox.future(config=config)
    time.sleep(after)
    server.restart(kill=True)
    call.cancel()
    left = [item for item in client.sandboxes() if item.metadata == config.metadata]
    assert len(left) <= 1
    for item in left:
        if item.state == pb.SANDBOX_READY:
            assert client.sandbox_status(item.id).network.ip
    again = pods.run(config)  # as a kubelet would, with the same name
    assert again.status.state == pb.SANDBOX_READY and again.ip
    for item in client.sandboxes():
        if item.metadata == config.metadata and item.id != again.id:
            client.StopPodSandbox(pod_sandbox_id=item.id)
            client.RemovePodSandbox(pod_sandbox_id=item.id)


@pytest.mark.parametrize("after", [0.0, 0.05, 0.1, 0.2, 0.4])
def test_killed_while_it_ends_a_pod(client, server, pods, after):
    pod = pods.run()
    pod.start()
    call = client.StopPodSandbox.future(pod_sandbox_id=pod.id)
    time.sleep(after)
    server.restart(kill=True)
    call.cancel()
    pod.stop()
    client.RemovePodSandbox(pod_sandbox_id=pod.id)
    assert client.sandboxes(id=pod.id) == []


# Docker dies.


def ready(client):
    return {condition.type: condition for condition in client.Status(deadline=10).status.conditions}["RuntimeReady"].status


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "asked to stop"])
def test_docker_goes_and_comes_back(client, docker, pods, kill):
    pod = pods.run()
    container = pod.start()
    before = snapshot(client)
    docker.daemon.stop(kill=kill)
    try:
        until(lambda: not ready(client), timeout=5)
        assert snapshot(client) == before
        assert client.status(container).state == pb.CONTAINER_RUNNING and pod.ip
        with refused("UNAVAILABLE"):
            client.RunPodSandbox(config=pods.config(), deadline=10)
        with refused("UNAVAILABLE"):
            client.ExecSync(container_id=container, cmd=["/bin/true"], deadline=10)
        with refused("UNAVAILABLE"):
            client.StopContainer(container_id=container, timeout=0, deadline=10)
    finally:
        docker.daemon.start()
    until(lambda: ready(client), timeout=10)
    assert snapshot(client) == before
    assert client.shell(container, "echo alive") == "alive\n"


def test_started_before_docker(client, server, docker, pods):
    """A server that starts while Docker is down is up at once, and serves when Docker is."""
    pod = pods.run()
    container = pod.start()
    server.daemon.stop(kill=True)
    docker.daemon.stop()
    server.daemon.start(ready=server.tells_status)
    try:
        assert not ready(client)
    finally:
        docker.daemon.start()
    until(lambda: ready(client) and server.answers(), timeout=10)
    assert state(client, container) == [pb.CONTAINER_RUNNING]
    assert pod.ip
