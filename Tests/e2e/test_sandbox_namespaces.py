"""What the containers of a pod share, and what they share with the host: network, names, namespaces, cgroup."""

import ipaddress
import os
import pathlib
import time
import urllib.request

import pytest

from harness.client import refused
from harness.schema import pb
from harness.waiting import until


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
