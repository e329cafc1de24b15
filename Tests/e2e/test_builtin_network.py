"""The pod network of a machine where none is configured: a bridge of Fender's own, without any CNI plugin."""

import concurrent.futures
import contextlib
import http.client
import ipaddress
import json
import os
import subprocess

import pytest

from harness.schema import pb
from harness.waiting import until

pytestmark = pytest.mark.fender

SERVE = ["/bin/sh", "-c", "mkdir -p /www; hostname >/www/name; exec httpd -f -p 80 -h /www"]
RANGES = [ipaddress.ip_network("10.84.0.0/16"), ipaddress.ip_network("fd5a:3c1e:90b8::/64")]


@pytest.fixture(scope="module")
def place(server):
    """The server without any network configured; a directory with the addresses that are taken."""
    command = list(server.daemon.command)
    server.daemon.command = [
        *command, "--network-plugin=builtin", "--cni-conf-dir", str(server.root / "no-net.d"), "--cni-bin-dir", "/nowhere"]
    server.restart(kill=False)
    yield server.state / "network"
    server.daemon.command = command
    server.restart(kill=False)
    subprocess.run(["ip", "link", "delete", "fender-pods"], check=True)
    subprocess.run(["nft", "delete", "table", "inet", "fender"], check=True)


@pytest.fixture
def built_in(place, pods):
    """Makes pods on that network; afterwards no address and no port may be left of them."""
    yield pods
    pods.remove()
    assert taken(place) == [] and ports() == []


@pytest.fixture(autouse=True)
def bridge(place, client, shared_pods):
    """The first pod makes what stays."""
    pod = shared_pods.run()
    pod.remove()
    shared_pods.made.remove(pod)


def taken(place):
    return sorted(name for name in os.listdir(place) if name.startswith("ip-"))


def ports():
    listed = json.loads(subprocess.check_output(["nft", "--json", "list", "table", "inet", "fender"]))["nftables"]
    return [element for entry in listed if "map" in entry for element in entry["map"].get("elem", [])]


def fetch(address, port=80):
    connection = http.client.HTTPConnection(address, port, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", "/name")
        return connection.getresponse().read().decode().strip()


def request(address, port):
    """The same for a shell in a container; busybox's wget does not work when it is static."""
    return f"printf 'GET /name HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {address} {port} | tail -n 1"


def answers(name, *place):
    """Whether the pod of that name answers there."""
    try:
        return fetch(*place) == name
    except OSError:
        return False


def test_a_pod_has_an_address_of_each_family(built_in, place):
    pod = built_in.run()
    network = pod.status.network
    addresses = [network.ip, *(each.ip for each in network.additional_ips)]
    assert all(any(ipaddress.ip_address(address) in each for address in addresses) for each in RANGES), addresses
    assert taken(place) == sorted(f"ip-{address}" for address in addresses)


def test_no_pod_can_become_the_gateway_of_others(client, built_in):
    container = built_in.run().start()
    assert client.shell(container, "cat /proc/sys/net/ipv6/conf/eth0/accept_ra") == "0\n"


def test_pods_are_reached_from_the_host_and_from_pods(client, built_in):
    pod, other = built_in.run(), built_in.run()
    pod.start(command=SERVE)
    second = other.start()
    name = pod.config.hostname
    for address in (pod.ip, pod.status.network.additional_ips[0].ip):
        until(lambda: answers(name, address))
        assert client.shell(second, request(address, 80)).strip() == name


def test_host_ports(client, built_in):
    pod = built_in.run(ports=[
        pb.PortMapping(container_port=80, host_port=18080),
        pb.PortMapping(container_port=80, host_port=18081, host_ip="127.0.0.1")])
    first = pod.start(command=SERVE)
    name = pod.config.hostname
    until(lambda: answers(name, pod.ip))
    assert fetch("127.0.0.1", 18080) == name and fetch("10.84.0.1", 18080) == name
    assert fetch("127.0.0.1", 18081) == name and not answers(name, "10.84.0.1", 18081)
    other = built_in.run()
    for container in (other.start(), first):
        assert client.shell(container, request("10.84.0.1", 18080)).strip() == name
    assert len(ports()) == 3


def test_a_port_that_is_taken_is_refused_and_nothing_stays(client, built_in, place):
    mapping = [pb.PortMapping(container_port=80, host_port=18080)]
    pod = built_in.run(ports=mapping)
    before = taken(place)
    with pytest.raises(Exception, match="nftables"):
        built_in.run(ports=mapping)
    assert taken(place) == before and len(ports()) == 2
    pod.remove()
    built_in.run(ports=mapping)


def test_many_pods_at_once_have_different_addresses(client, built_in, place):
    configs = [built_in.config() for _ in range(12)]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        pods = list(pool.map(built_in.run, configs))
    assert len({pod.ip for pod in pods}) == 12


def test_after_a_kill_addresses_are_kept_and_then_freed(client, server, built_in, place):
    pod = built_in.run(ports=[pb.PortMapping(container_port=80, host_port=18080)])
    before = taken(place)
    server.restart(kill=True)
    assert pod.status.state == pb.SANDBOX_READY and taken(place) == before and len(ports()) == 2


def test_a_network_that_is_configured_comes_first(client, server, built_in, network):
    directory = server.root / "no-net.d"
    directory.mkdir()
    (directory / "10-broken.conflist").write_text("{")
    status = {each.type: each for each in client.Status().status.conditions}
    assert status["NetworkReady"].status
    built_in.run()
    for name in directory.iterdir():
        name.unlink()
    directory.rmdir()
