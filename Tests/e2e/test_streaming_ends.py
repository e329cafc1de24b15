"""Clients of the streaming server that go, stall or never come: what they leave behind is nothing."""

import contextlib
import socket
import time
from urllib.parse import urlsplit

import pytest

from harness.leaks import marked
from harness.waiting import until
from harness.websocket import STDIN, STDOUT, code

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
    socket_.receive()  # what tells that the streams are open: unread, it would make a reset of the end
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


def test_a_client_that_pauses_gets_the_rest(execute):
    # Whatever of the output the kernel's buffers hold, with some size the command ends while the server has the rest.
    sizes = [size << 10 for size in (8, 32, 64, 96, 128, 192, 256, 512)]
    waiting = [execute("/bin/sh", "-c", f"head -c {size} /dev/zero; echo -n end", buffer=4096) for size in sizes]
    for socket_ in waiting:
        socket_.await_output()
    # Longer than the server waits for a client that has everything.
    time.sleep(12)
    for size, socket_ in zip(sizes, waiting):
        output = socket_.collect()
        assert len(output[STDOUT]) == size + 3 and code(output) == 0


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
