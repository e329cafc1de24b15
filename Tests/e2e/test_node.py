"""Version, Status, RuntimeConfig: what a client asks before it trusts a server."""

import json

import pytest

from harness.client import Client, refused
from harness.schema import pb


@pytest.fixture(params=["runtime.v1", "runtime.v1alpha2"])
def either(request, server):
    client = Client(server.socket, request.param)
    yield client
    client.close()


def test_version(either):
    version = either.Version(version="v1")
    assert version.version and version.runtime_name and version.runtime_version
    assert version.runtime_api_version == either.package.removeprefix("runtime.")


@pytest.mark.docker
def test_container_ids_keep_their_scheme(client):
    assert client.Version().runtime_name == "docker"


def test_status_has_both_conditions(either):
    conditions = {condition.type: condition for condition in either.Status().status.conditions}
    assert conditions["RuntimeReady"].status
    assert conditions["NetworkReady"].status


@pytest.mark.fender
def test_verbose_status_is_json(client):
    assert not client.Status().info
    info = client.Status(verbose=True).info
    assert info
    for value in info.values():
        json.loads(value)


@pytest.mark.fender
def test_handlers_and_features(client, server):
    status = client.Status()
    names = [handler.name for handler in status.runtime_handlers]
    assert "" in names and server.handler in names
    assert len(names) == len(set(names))


@pytest.mark.fender
def test_cgroup_driver(client):
    assert client.RuntimeConfig().linux.cgroup_driver == pb.CGROUPFS


def test_pod_cidr_is_taken(client):
    client.UpdateRuntimeConfig(runtime_config=pb.RuntimeConfig(network_config=pb.NetworkConfig(pod_cidr="10.88.0.0/16")))


def test_old_and_new_name_serve_the_same(server, client, pods):
    pod = pods.run(labels={"a": "1"})
    old = Client(server.socket, "runtime.v1alpha2")
    try:
        assert old.PodSandboxStatus(pod_sandbox_id=pod.id).status.labels == {"a": "1"}
        assert [item.id for item in old.ListPodSandbox(filter=pb.PodSandboxFilter(id=pod.id)).items] == [pod.id]
        assert old.ListImages().images
    finally:
        old.close()


@pytest.mark.parametrize("service, method", [
    ("RuntimeService", "NoSuchMethod"), ("ImageService", "NoSuchMethod"), ("NoSuchService", "Version"),
])
def test_unknown_methods_are_unimplemented(client, service, method):
    with refused("UNIMPLEMENTED"):
        client.raw(service, method, b"")


LATER = {
    "CheckpointContainer": dict(container_id="x", location="/tmp/x.tar"),
}


@pytest.mark.fender
@pytest.mark.parametrize("method", LATER)
def test_what_comes_later_is_unimplemented(client, method):
    with refused("UNIMPLEMENTED"):
        getattr(client, method)(**LATER[method])
