"""Exec, Attach and PortForward: the URLs, and what clients do with them."""

import hashlib
import json
import os
import struct
import threading
from urllib.parse import urlsplit

import pytest

from harness.client import refused
from harness.schema import pb
from harness.waiting import until
from harness.websocket import ERROR, PING, PONG_CHANNEL, RESIZE, STDERR, STDIN, STDOUT, Refused, WebSocket, code, status


pytestmark = pytest.mark.fender


# URLs and refusals


def test_urls_are_whole(client, pod, container):
    for url in (client.Exec(container_id=container, cmd=["true"], stdout=True).url,
                client.Attach(container_id=container, stdout=True).url,
                client.PortForward(pod_sandbox_id=pod.id, port=[80]).url):
        parts = urlsplit(url)
        assert parts.scheme == "http" and parts.hostname and parts.port and len(parts.path) > 20


@pytest.mark.parametrize("flags", [
    {}, {"tty": True}, {"tty": True, "stdout": True, "stderr": True}], ids=str)
def test_bad_flags(client, container, flags):
    with refused("INVALID_ARGUMENT"):
        client.Exec(container_id=container, cmd=["true"], **flags)
    with refused("INVALID_ARGUMENT"):
        client.Attach(container_id=container, **flags)


def test_bad_arguments(client, pod, container):
    with refused("INVALID_ARGUMENT"):
        client.Exec(container_id=container, stdout=True)
    for port in (-1, 0, 65536):
        with refused("INVALID_ARGUMENT"):
            client.PortForward(pod_sandbox_id=pod.id, port=[port])


def test_unknown_ids(client):
    with refused("NOT_FOUND"):
        client.Exec(container_id="f" * 64, cmd=["true"], stdout=True)
    with refused("NOT_FOUND"):
        client.Attach(container_id="f" * 64, stdout=True)
    with refused("NOT_FOUND"):
        client.PortForward(pod_sandbox_id="f" * 64, port=[80])


def test_what_does_not_run(client, pods):
    pod = pods.run()
    created = pod.create()
    with refused("FAILED_PRECONDITION"):
        client.Exec(container_id=created, cmd=["true"], stdout=True)
    with refused("FAILED_PRECONDITION"):
        client.Attach(container_id=created, stdout=True)
    pod.stop()
    with refused("FAILED_PRECONDITION"):
        client.PortForward(pod_sandbox_id=pod.id, port=[80])


def test_a_token_serves_once(client, container):
    url = client.Exec(container_id=container, cmd=["true"], stdout=True).url
    WebSocket(url, "v4.channel.k8s.io").collect()
    with pytest.raises(Refused, match="404"):
        WebSocket(url, "v4.channel.k8s.io")
    with pytest.raises(Refused, match="404"):
        WebSocket(url[:-4] + "0000", "v4.channel.k8s.io")


# Commands


@pytest.mark.parametrize("protocol", ["v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io"])
@pytest.mark.parametrize("expected", [0, 7, 137])
def test_exit_codes(execute, protocol, expected):
    script = "echo out; echo err >&2; " + ("kill -9 $$" if expected == 137 else f"exit {expected}")
    output = execute("/bin/sh", "-c", script, protocol=protocol).collect()
    assert output[STDOUT] == b"out\n" and output[STDERR] == b"err\n" and code(output) == expected


def test_old_protocol_tells_only_failures(execute):
    assert execute("true", protocol=None).collect()[ERROR] == b""
    assert b"7" in execute("/bin/sh", "-c", "exit 7", protocol=None).collect()[ERROR]


def test_a_program_that_is_not_there(execute):
    output = execute("/no/such/program").collect()
    assert status(output)["status"] == "Failure"


def test_large_input_comes_back(execute):
    block, blocks = os.urandom(64 << 10), (100 << 20) // (64 << 10)
    sent, got, size, errors = hashlib.sha256(), hashlib.sha256(), 0, b""
    command = execute("cat", stdin=True)

    def feed():
        for number in range(blocks):
            piece = struct.pack(">I", number) + block[4:]
            sent.update(piece)
            command.send(STDIN, piece)
        command.end_input()

    feeder = threading.Thread(target=feed)
    feeder.start()
    while message := command.receive():
        if message[0] == STDOUT:
            got.update(message[1])
            size += len(message[1])
        elif message[0] == ERROR:
            errors += message[1]
    feeder.join()
    command.abandon()
    assert size == 100 << 20 and got.digest() == sent.digest() and json.loads(errors)["status"] == "Success"


@pytest.mark.parametrize("repeat", range(10))
def test_the_last_bytes_arrive(execute, repeat):
    output = execute("/bin/sh", "-c", "head -c 3000000 /dev/zero; echo -n end").collect()
    assert len(output[STDOUT]) == 3000003 and output[STDOUT].endswith(b"end") and code(output) == 0


def test_the_last_bytes_arrive_at_a_slow_client(execute):
    socket_ = execute("/bin/sh", "-c", "head -c 8000000 /dev/zero; echo -n end", buffer=4096)
    socket_.await_output()
    output = socket_.collect()
    assert len(output[STDOUT]) == 8000003 and output[STDOUT].endswith(b"end") and code(output) == 0


def test_terminal_and_resize(execute):
    socket_ = execute("/bin/sh", stdin=True, tty=True)
    socket_.send(RESIZE, b'{"Width":123,"Height":45}')
    until(lambda: (socket_.send(STDIN, b"stty size; echo do''ne\n"),
                   b"45 123" in socket_.read_until(b"done"))[1], timeout=20)
    socket_.send(STDIN, b"exit 7\n")
    assert code(socket_.collect()) == 7


def test_ping(execute):
    socket_ = execute("cat", stdin=True)
    socket_.frame(PING, b"abc")
    while (message := socket_.receive())[0] != PONG_CHANNEL:
        pass
    assert message[1] == b"abc"
    socket_.end_input()
    assert code(socket_.collect()) == 0


# Attach


def test_attach(client, pods):
    pod = pods.run()
    container = pod.start(command=["/bin/sh", "-c", "while read line; do echo got $line; [ $line = end ] && exit 3; done"],
                          stdin=True)
    attach = lambda: WebSocket(client.Attach(container_id=container, stdin=True, stdout=True, stderr=True).url,
                               "v4.channel.k8s.io")
    for reset in (False, True):
        socket_ = attach()
        socket_.send(STDIN, b"one\n")
        socket_.read_until(b"got one\n")
        socket_.abandon(reset)
    assert client.status(container).state == pb.CONTAINER_RUNNING
    socket_ = attach()
    socket_.send(STDIN, b"end\n")
    assert socket_.collect()[STDOUT] == b"got end\n"
    until(lambda: client.status(container).exit_code == 3, timeout=20)


# Port-forward


def test_channels_for_128_ports(client, pod):
    url = lambda count: client.PortForward(pod_sandbox_id=pod.id, port=list(range(1, count + 1))).url
    socket_ = WebSocket(url(128), "v4.channel.k8s.io")
    told = set()
    while len(told) < 256:
        told.add(socket_.receive()[0])
    socket_.abandon()
    with pytest.raises(Refused, match="400"):
        WebSocket(url(129), "v4.channel.k8s.io")


def test_port_forward(client, pods):
    pod = pods.run()
    pod.start(command=["/bin/sh", "-c", "while :; do nc -l -p 8080 -e cat; done"])
    url = lambda: client.PortForward(pod_sandbox_id=pod.id, port=[8080]).url
    def echo():
        socket_ = WebSocket(url(), "v4.channel.k8s.io")
        socket_.send(0, b"hello")
        data = b""
        while message := socket_.receive():
            if message[0] == 0:
                data += message[1]
            elif len(message[1]) > 2:
                break
            if data.endswith(b"hello"):
                break
        socket_.abandon()
        return data == struct.pack("<H", 8080) + b"hello"
    until(echo, timeout=20)


def test_port_forward_to_a_closed_port(client, pod):
    socket_ = WebSocket(client.PortForward(pod_sandbox_id=pod.id, port=[9]).url, "v4.channel.k8s.io")
    error = b""
    while b"9" not in error[2:]:
        message = socket_.receive()
        error += message[1] if message[0] == 1 else b""
    socket_.abandon()
