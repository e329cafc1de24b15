"""The life of a pod's sandbox, what it is listed as, its names and its namespaces."""

import ipaddress
import os
import pathlib
import time
import urllib.request

import grpc
import pytest

from harness import images
from harness.client import refused
from harness.schema import pb
from harness.waiting import until


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


def test_addresses_of_both_families(client, pods):
    pod = pods.run()
    network = pod.status.network
    addresses = [ipaddress.ip_address(ip) for ip in [network.ip, *(more.ip for more in network.additional_ips)]]
    assert [address.version for address in addresses] == [4, 6]
    seen = client.shell(pod.start(), "/bin/ip -o addr show dev eth0")
    assert all(str(address) in seen for address in addresses)
    pod.stop()


def test_pods_reach_each_other(client, pods):
    web, visitor = pods.run(), pods.run()
    web.start(command=["/bin/httpd", "-f", "-p", "80", "-h", "/www"])
    container = visitor.start()
    request = f"printf 'GET / HTTP/1.0\r\n\r\n' | /bin/nc -w 2 {web.ip} 80"
    until(lambda: "Hello from the pod\n" in client.shell(container, f"{request} || true"))


def test_host_ports(client, pods):
    ports = [
        pb.PortMapping(container_port=80, host_port=8180),
        pb.PortMapping(container_port=80, host_port=8181, host_ip="127.0.0.1"),
        pb.PortMapping(container_port=8999, host_port=0),  # means none
    ]
    pod = pods.run(ports=ports)
    pod.start(command=["/bin/httpd", "-f", "-p", "80", "-h", "/www"])
    for port in (8180, 8181):
        assert until(lambda: fetch(f"http://127.0.0.1:{port}/")) == b"Hello from the pod\n"
    pod.stop()
    assert fetch("http://127.0.0.1:8180/") is None


def fetch(url):
    try:
        return urllib.request.urlopen(url, timeout=2).read()
    except OSError:
        return None


def test_loopback_is_up(client, pod):
    assert "127.0.0.1" in client.shell(pod.start(name="lo"), "/bin/ip -4 addr show dev lo up")


def test_hostname(client, pods):
    container = pods.run(hostname="ship").start()
    assert client.exec(container, "/bin/hostname") == "ship\n"
    assert client.exec(container, "/bin/cat", "/etc/hostname") == "ship\n"


def test_resolver(client, pods):
    pod = pods.run(dns=pb.DNSConfig(
        servers=["10.96.0.10", "fd00::a"], searches=["tests.svc.cluster.local", "cluster.local"], options=["ndots:5", "edns0"]))
    lines = client.exec(pod.start(), "/bin/cat", "/etc/resolv.conf").splitlines()
    assert [line for line in lines if line.startswith("nameserver")] == ["nameserver 10.96.0.10", "nameserver fd00::a"]
    assert "search tests.svc.cluster.local cluster.local" in lines
    assert "options ndots:5 edns0" in lines


def test_host_network(client, pods):
    pod = pods.run(network=pb.NODE, hostname="")
    container = pod.start()
    assert namespace(client, container, "net") == os.readlink("/proc/self/ns/net")
    assert pod.status.linux.namespaces.options.network == pb.NODE
    assert client.exec(container, "/bin/hostname").strip() == os.uname().nodename


# Namespaces.


def namespace(client, container, kind):
    return client.exec(container, "/bin/readlink", f"/proc/self/ns/{kind}").strip()


def test_network_and_ipc_are_the_pods(client, pods):
    pod = pods.run()
    first, second = pod.start(), pod.start(name="second")
    for kind in ("net", "ipc"):
        assert namespace(client, first, kind) == namespace(client, second, kind) != os.readlink(f"/proc/self/ns/{kind}")
    for kind in ("pid", "mnt"):
        assert namespace(client, first, kind) != namespace(client, second, kind)


def test_shared_process_namespace(client, pods):
    pod = pods.run(pid=pb.POD)
    first, second = pod.start(), pod.start(name="second")
    assert namespace(client, first, "pid") == namespace(client, second, "pid")
    assert "/pause" in client.exec(first, "/bin/cat", "/proc/1/cmdline")


def test_pause_reaps_orphans(client, pods):
    container = pods.run(pid=pb.POD).start()
    client.shell(container, "(/bin/sh -c '/bin/sleep 0.2' &) ; (/bin/sh -c '/bin/true' &)")
    until(lambda: "Z" not in client.shell(container, "/bin/cat /proc/[0-9]*/stat | /bin/awk '{ print $3 }'"))


@pytest.mark.docker
def test_pause_ends_when_asked_to(docker, pods):
    pod = pods.run()
    began = time.monotonic()
    docker("stop", "--time", "60", pod.id)
    assert time.monotonic() - began < 20
    assert docker.inspect(pod.id)["State"]["ExitCode"] == 0


def test_host_process_namespace(client, pods):
    container = pods.run(pid=pb.NODE).start()
    assert namespace(client, container, "pid") == os.readlink("/proc/self/ns/pid")


def test_process_namespace_of_another_container(client, pods):
    pod = pods.run()
    target = pod.start(command=["/bin/sh", "-c", "exec /bin/sleep 4321"])
    guest = pod.start(name="guest", pid=pb.TARGET, target=target)
    assert namespace(client, guest, "pid") == namespace(client, target, "pid")
    assert "4321" in client.exec(guest, "/bin/cat", "/proc/1/cmdline")


def test_target_must_exist(client, pods):
    pod = pods.run()
    with refused():
        pod.start(pid=pb.TARGET, target="0" * 64)


def test_host_ipc(client, pods):
    container = pods.run(ipc=pb.NODE).start()
    assert namespace(client, container, "ipc") == os.readlink("/proc/self/ns/ipc")


def test_sysctls(client, pods):
    container = pods.run(sysctls={"net.ipv4.ip_unprivileged_port_start": "81", "kernel.shm_rmid_forced": "1"}).start()
    assert client.exec(container, "/bin/cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start") == "81\n"
    assert client.exec(container, "/bin/cat", "/proc/sys/kernel/shm_rmid_forced") == "1\n"


def test_cgroup_parent(client, pods):
    pod = pods.run()
    container = pod.start()
    paths = client.exec(container, "/bin/cat", "/proc/self/cgroup")
    memory = pathlib.Path("/sys/fs/cgroup/memory")
    if not memory.exists():
        memory = memory.parent
    assert pod.config.linux.cgroup_parent in paths or "/.." in paths or "0::/\n" in paths
    assert list(memory.glob(f"{pod.config.linux.cgroup_parent[1:]}/*{container}*"))


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
