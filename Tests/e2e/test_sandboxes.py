"""The life of a pod's sandbox, and what it is listed as."""

import time

import grpc
import pytest

from harness.client import refused
from harness.schema import pb


def test_life(client, pods):
    before = time.time_ns()
    pod = pods.run()
    status = pod.status
    assert status.id == pod.id and status.metadata == pod.config.metadata
    assert status.state == pb.SANDBOX_READY
    assert before <= status.created_at <= time.time_ns()
    assert [item.state for item in client.sandboxes(id=pod.id)] == [pb.SANDBOX_READY]

    pod.stop()
    assert pod.status.state == pb.SANDBOX_NOTREADY
    assert [item.state for item in client.sandboxes(id=pod.id)] == [pb.SANDBOX_NOTREADY]
    pod.stop()

    client.RemovePodSandbox(pod_sandbox_id=pod.id)
    with refused("NOT_FOUND"):
        pod.status
    assert client.sandboxes(id=pod.id) == []
    client.RemovePodSandbox(pod_sandbox_id=pod.id)


@pytest.mark.fender
@pytest.mark.parametrize("method", ["StopPodSandbox", "RemovePodSandbox"])
def test_ending_the_unknown_succeeds(client, method):
    getattr(client, method)(pod_sandbox_id="0" * 64)


@pytest.mark.fender
def test_limits_of_a_pod_are_the_kubelets_to_set(client, pods):
    pod = pods.run()
    limits = pb.LinuxContainerResources(cpu_shares=512)
    client.UpdatePodSandboxResources(pod_sandbox_id=pod.id, resources=limits)
    pod.stop()
    with refused("FAILED_PRECONDITION"):
        client.UpdatePodSandboxResources(pod_sandbox_id=pod.id, resources=limits)
    with refused("NOT_FOUND"):
        client.UpdatePodSandboxResources(pod_sandbox_id="0" * 64, resources=limits)


def test_status_of_the_unknown(client):
    with refused("NOT_FOUND"):
        client.PodSandboxStatus(pod_sandbox_id="0" * 64)


def test_removal_takes_the_containers_along(client, pods):
    pod = pods.run()
    running, created = pod.start(), pod.create(name="other")
    client.RemovePodSandbox(pod_sandbox_id=pod.id)
    assert client.containers(pod_sandbox_id=pod.id) == []
    for container in (running, created):
        with refused("NOT_FOUND"):
            client.status(container)


def test_stop_ends_the_containers(client, pods):
    pod = pods.run()
    container = pod.start()
    pod.stop()
    assert client.status(container).state == pb.CONTAINER_EXITED


def test_a_stopped_pod_takes_no_container(client, pods):
    pod = pods.run()
    pod.stop()
    with refused():
        pod.start()


def test_same_pod_twice_makes_one(client, pods):
    """A retry either finds the first one or is refused."""
    pod = pods.run(labels={"twice": "no"})
    try:
        assert client.RunPodSandbox(config=pod.config).pod_sandbox_id == pod.id
    except grpc.RpcError:
        pass
    assert [item.id for item in client.sandboxes(label_selector={"twice": "no"})] == [pod.id]
    assert pod.status.state == pb.SANDBOX_READY


def test_next_attempt_of_a_stopped_pod(client, pods):
    config = pods.config()
    first = pods.run(config)
    first.stop()
    again = pb.PodSandboxConfig()
    again.CopyFrom(config)
    again.metadata.attempt = 1
    second = pods.run(again)
    assert second.id != first.id and second.status.metadata.attempt == 1


def test_unknown_handler_is_refused(client, pods):
    with refused():
        pods.run(handler="no-such-handler")


@pytest.mark.fender
def test_named_handler(client, server, pods):
    pod = pods.run(handler=server.handler)
    assert pod.status.runtime_handler == server.handler
    assert client.sandboxes(id=pod.id)[0].runtime_handler == server.handler


@pytest.mark.parametrize("config", [pb.PodSandboxConfig(), None])
def test_incomplete_config_is_refused(client, config):
    with refused():
        client.RunPodSandbox(config=config)


ODD = {
    "plain": "value", "empty": "", "example.com/key_with.dots-and_more": "x" * 63,
    "spaces": "  a  b ", "json": '{"a": [1, "b"], "c": null}', "lines": "one\ntwo\r\n\ttab", "unicode": "größe ✓ 漢字",
    "quotes": "\"'`$(true)\\", "equals": "a=b=c", "io.kubernetes.pod.name": "looks like one of ours",
}


def test_labels_and_annotations_come_back_as_they_were(client, pods):
    annotations = {**ODD, "long": "y" * 20000, "docker.type": "annotation", "annotation.nested": "1"}
    pod = pods.run(labels=ODD, annotations=annotations)
    container = pod.create(pod.container(labels=ODD, annotations=annotations))
    for record in (pod.status, client.sandboxes(id=pod.id)[0], client.status(container),
                   client.containers(id=container)[0]):
        assert dict(record.labels) == ODD
        assert dict(record.annotations) == annotations


def test_filters(client, pods):
    here, there = pods.run(labels={"app": "a", "zone": "here"}), pods.run(labels={"app": "a", "zone": "there"})
    there.stop()

    def listed(**filters):
        ours = {here.id: "here", there.id: "there"}
        return sorted(ours[item.id] for item in client.sandboxes(**filters) if item.id in ours)

    ready, not_ready = (pb.PodSandboxStateValue(state=state) for state in (pb.SANDBOX_READY, pb.SANDBOX_NOTREADY))
    assert listed() == ["here", "there"]
    assert listed(id=here.id) == ["here"]
    assert listed(state=ready) == ["here"]
    assert listed(state=not_ready) == ["there"]
    assert listed(label_selector={"app": "a"}) == ["here", "there"]
    assert listed(label_selector={"app": "a", "zone": "there"}) == ["there"]
    assert listed(label_selector={"app": ""}) == []
    assert listed(label_selector={"app": "a"}, state=ready, id=there.id) == []
    assert listed(id="f" * 64) == []


def test_status_does_not_tell_info_unless_asked(client, pod):
    assert not client.PodSandboxStatus(pod_sandbox_id=pod.id).info
    assert client.PodSandboxStatus(pod_sandbox_id=pod.id, verbose=True).info


# Network, names and resolver.


# Namespaces.


def test_failed_network_leaves_nothing(client, pods, network):
    """A host port that the plugin refuses: no sandbox, no address, no process is left."""
    held = network.held()
    ids = {item.id for item in client.sandboxes()}
    with refused():
        pods.run(ports=[pb.PortMapping(container_port=80, host_port=8182, host_ip="not an address")])
    assert network.held() == held
    assert all(item.state == pb.SANDBOX_NOTREADY for item in client.sandboxes() if item.id not in ids)
    for item in client.sandboxes():
        if item.id not in ids:
            client.RemovePodSandbox(pod_sandbox_id=item.id)
