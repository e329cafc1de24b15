"""Clients of the streaming server that go, stall or never come: what they leave behind is nothing."""

import contextlib
import os
import socket
import struct
import time
from urllib.parse import urlsplit

import pytest

from harness.leaks import marked
from harness.waiting import until
from harness.websocket import STDIN, WebSocket

DISCONNECTS = int(os.environ.get("FENDER_E2E_DISCONNECTS", 100))
pytestmark = pytest.mark.fender


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_goes_takes_its_command_along(execute, reset):
    socket_ = execute("sleep", "86401")
    until(lambda: marked("86401"), timeout=20)
    socket_.abandon(reset)
    until(lambda: not marked("86401"), timeout=20)


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_goes_with_input_nobody_reads(execute, reset):
    socket_ = execute("sleep", "86402", stdin=True)
    until(lambda: marked("86402"), timeout=20)
    socket_.socket.settimeout(2)
    with contextlib.suppress(TimeoutError):
        while True:
            socket_.send(STDIN, bytes(32 << 10))
    socket_.abandon(reset)
    until(lambda: not marked("86402"), timeout=30)


def test_a_client_that_goes_while_it_reads_nothing(execute):
    socket_ = execute("/bin/sh", "-c", "yes 86403; true", "86403", buffer=4096)
    socket_.await_output()
    socket_.abandon(reset=True)
    until(lambda: not marked("86403"), timeout=20)


def test_clients_that_go_at_any_moment(client, container, server):
    descriptors = lambda: len(os.listdir(f"/proc/{server.daemon.pid}/fd"))
    before = descriptors()
    for number in range(DISCONNECTS):
        url = client.Exec(container_id=container, cmd=["sleep", "86404"], stdin=True, stdout=True).url
        parts = urlsplit(url)
        raw = socket.create_connection((parts.hostname, parts.port))
        raw.sendall((f"GET {parts.path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
                     "Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n").encode())
        time.sleep(number % 20 * 0.01)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", number % 2, 0))
        raw.close()
    try:
        until(lambda: not marked("86404"), timeout=30)
    except AssertionError:
        pytest.fail(f"{len(marked('86404'))} of {DISCONNECTS} commands survive their client")
    until(lambda: descriptors() <= before + 2, timeout=30, what=f"{descriptors()} descriptors, {before} before")


def test_a_connection_without_a_request_is_closed(client, container):
    parts = urlsplit(client.Exec(container_id=container, cmd=["true"], stdout=True).url)
    connections = [socket.create_connection((parts.hostname, parts.port)) for _ in range(2)]
    connections[1].sendall(b"GET /exec/")
    for connection in connections:
        connection.settimeout(45)
        connection.recv(4096)
        connection.close()


def test_endless_headers_are_refused(client, container):
    parts = urlsplit(client.Exec(container_id=container, cmd=["true"], stdout=True).url)
    raw = socket.create_connection((parts.hostname, parts.port))
    raw.settimeout(20)
    sent = 0
    try:
        raw.sendall(b"GET / HTTP/1.1\r\n")
        while sent < 64 << 20:
            raw.sendall(b"X-%d: " % sent + b"a" * 4000 + b"\r\n")
            sent += 4010
    except OSError:
        pass
    raw.close()
    assert sent < 4 << 20
