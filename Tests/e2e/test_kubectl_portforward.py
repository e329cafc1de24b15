"""Port-forward with real kubectls: many connections, half-closed ones, refused ones."""

import concurrent.futures
import contextlib
import os
import re
import socket
import subprocess
import threading

import pytest

from harness import images
from harness.registry import OPEN
from harness.schema import pb
from harness.waiting import until

PEER = f"{OPEN}/peer:1"
# Listens on 127.0.0.1, or with an argument on ::1. The first byte of a connection says what to do: 'e' echo, and after the client's end say "end";
# 'b' say "bye", end, and then count what still comes.
SOURCE = r"""
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void serve(int client) {
    static char buffer[65536];
    char what = 0;
    long count = 0;
    ssize_t size = read(client, &what, 1);
    if (what == 'b') {
        write(client, "bye", 3);
        shutdown(client, SHUT_WR);
    }
    while ((size = read(client, buffer, sizeof buffer)) > 0) {
        count += size;
        for (ssize_t done = 0, more; what == 'e' && done < size; done += more)
            if ((more = write(client, buffer + done, size - done)) < 0) _exit(1);
    }
    if (what == 'e') write(client, "end", 3);
    dprintf(1, "%c %ld %s\n", what, count, size ? "broken" : "whole");
    _exit(0);
}

int main(int count, char **arguments) {
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(8080), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(8080), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int listener = socket(count > 1 ? AF_INET6 : AF_INET, SOCK_STREAM, 0), client;
    int bound = count > 1 ? bind(listener, (void *)&six, sizeof six) : bind(listener, (void *)&four, sizeof four);
    signal(SIGCHLD, SIG_IGN);
    if (bound || listen(listener, 512)) return 1;
    while ((client = accept(listener, 0, 0)) >= 0) {
        if (fork() == 0) serve(client);
        close(client);
    }
    return 1;
}
"""


@pytest.fixture(scope="module")
def image(client, registry, work):
    program = images.compiled(work, "peer", SOURCE)
    images.push(registry, PEER, [images.layer({"peer": (program, 0o755)})], {})
    client.PullImage(image=pb.ImageSpec(image=PEER))


def started(api, pods, *arguments, **options):
    """A pod in which the peer runs, and that container's configuration."""
    pod = pods.run(**options)
    config = pod.container(image=PEER, command=["/peer"], args=arguments)
    api.add(pod, **{pod.start(config): config})
    return pod, config


@pytest.fixture(scope="module")
def peer(image, api, shared_pods):
    return started(api, shared_pods)


@contextlib.contextmanager
def forwarded(kubectl, pod, port=8080):
    """A local port that leads to the pod's, and the kubectl that holds it."""
    process = kubectl.start("port-forward", "--address", "127.0.0.1", f"pod/{pod.config.metadata.name}", f":{port}",
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert line.startswith("Forwarding from"), (line, process.poll())
        yield int(re.search(r":(\d+) ->", line)[1]), process
    finally:
        process.kill()
        process.communicate()


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(60)
    return connection


def receive(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        assert piece, f"ended after {len(data)} bytes of {size}"
        data += piece
    return data


def rest(connection):
    data = b""
    while piece := connection.recv(1 << 16):
        data += piece
    return data


def said(pod, config, what):
    return pod.log(config).read_text().count(f" {what}\n")


@pytest.mark.fender  # containerd 1.6 carries no half-close
@pytest.mark.parametrize("count", [1, 200])
def test_parallel_connections(kubectl, peer, count):
    pod, _ = peer
    all_open = threading.Barrier(count, timeout=60)

    def talk(port):
        data = os.urandom(100_000)
        with connect(port) as connection:
            connection.sendall(b"e" + data[:100])
            assert receive(connection, 100) == data[:100]
            all_open.wait()
            connection.sendall(data[100:])
            connection.shutdown(socket.SHUT_WR)
            assert rest(connection) == data[100:] + b"end"

    with forwarded(kubectl, pod) as (port, _), concurrent.futures.ThreadPoolExecutor(count) as pool:
        for result in [pool.submit(talk, port) for _ in range(count)]:
            result.result()


@pytest.mark.fender
def test_the_pod_hears_that_the_client_has_ended(kubectl, peer):
    """And its answer still comes back."""
    pod, _ = peer
    with forwarded(kubectl, pod) as (port, _), connect(port) as connection:
        connection.sendall(b"e")
        connection.shutdown(socket.SHUT_WR)
        assert rest(connection) == b"end"


@pytest.mark.fender  # containerd 1.6 gives "localhost" to socat
@pytest.mark.parametrize("arguments, options", [([], {"network": pb.NODE}), (["::1"], {})], ids=["host network", "IPv6"])
def test_other_places_to_listen(kubectl, image, api, pods, arguments, options):
    pod, _ = started(api, pods, *arguments, **options)
    with forwarded(kubectl, pod) as (port, _), connect(port) as connection:
        connection.sendall(b"eword")
        connection.shutdown(socket.SHUT_WR)
        assert rest(connection) == b"wordend"


def test_the_client_hears_that_the_pod_has_ended(kubectl, peer):
    """What kubectl then makes of the client's own direction is its affair: 1.36 gives it up, 1.20 goes on."""
    pod, config = peer
    with forwarded(kubectl, pod) as (port, _), connect(port) as connection:
        connection.sendall(b"b")
        assert receive(connection, 3) == b"bye"
        if kubectl.variant == "1.20":
            connection.sendall(b"late")
            connection.shutdown(socket.SHUT_WR)
        assert rest(connection) == b""
        if kubectl.variant == "1.20":
            until(lambda: said(pod, config, "b 4 whole"))


def test_a_port_where_nobody_listens(kubectl, peer):
    pod, _ = peer
    with forwarded(kubectl, pod, port=9) as (port, process), connect(port) as connection:
        with contextlib.suppress(ConnectionResetError):
            assert rest(connection) == b""
        process.kill()
        assert "9" in process.communicate()[1]


def test_a_killed_kubectl_ends_its_connections(kubectl, peer):
    pod, config = peer
    with forwarded(kubectl, pod) as (port, process), connect(port) as connection:
        connection.sendall(b"e1234567")
        receive(connection, 7)
        ended = lambda: said(pod, config, "e 7 whole") + said(pod, config, "e 7 broken")
        before = ended()
        process.kill()
        until(lambda: ended() == before + 1)
