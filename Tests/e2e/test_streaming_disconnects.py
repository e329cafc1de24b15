"""Clients that go abruptly, at random points of every kind of connection: nothing of them stays."""

import concurrent.futures
import os
import pathlib
import random
import re
import socket
import struct
import time
import zlib
from urllib.parse import urlsplit

import grpc
import pytest

from harness.leaks import marked
from harness.waiting import until

pytestmark = pytest.mark.fender

MARK = "86404"
PORT = 8080
AT_ONCE = 8
PART = 400
# Kilobytes that a daemon may have more at the end than after the first part: what malloc keeps comes to half of it.
FLAT = 32 << 10
WEBSOCKET = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"


def test_clients_that_go_at_any_moment(request, client, pods, server, docker):
    number = request.config.getoption("--disconnects")
    pod = pods.run()
    container = pod.start()
    pod.start(command=["/bin/sh", "-c", f"while :; do nc -l -p {PORT} -e cat; done"])
    chance = random.Random(number)
    visits = [Visit(client, container, pod.id, chance.getrandbits(64)) for _ in range(number)]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        first = min(number // 5, PART)
        list(pool.map(Visit.run, visits[:first]))
        settle(server, docker, container)
        before, started = measure(server), time.monotonic()
        # In parts, since clients that do not wait come faster than Docker starts their commands.
        for part in range(first, number, PART):
            list(pool.map(Visit.run, visits[part:part + PART]))
            settle(server, docker, container)
        took = time.monotonic() - started
    until(lambda: measure(server)["descriptors"] <= before["descriptors"] + 2, timeout=60,
          what=f"as few descriptors as before: {before}, {measure(server)}")
    after = measure(server)
    print(f"{number} disconnects, {took:.0f} s for the last {number - first}: {before} before, {after} after")
    assert after["threads"] <= before["threads"] + 2
    assert after["memory"] <= before["memory"] + FLAT
    if number >= 1000:
        # Tokens that nobody used live a minute.
        until(lambda: tokens(client, container) == 1000, timeout=120, interval=10, what="room for 1000 tokens")


def test_too_many_requests_wait(client, container):
    assert 900 < tokens(client, container) <= 1000


def settle(server, docker, container):
    until(lambda: not marked(MARK), timeout=90, what="no command without its client")
    if docker:
        until(lambda: not docker.inspect(container)["ExecIDs"], timeout=60, what="no exec that Docker knows of")


def measure(server):
    process = pathlib.Path("/proc", str(server.daemon.pid))
    status = (process / "status").read_text()
    field = lambda name: int(re.search(rf"{name}:\s+(\d+)", status)[1])
    return {"descriptors": len(os.listdir(process / "fd")), "threads": field("Threads"), "memory": field("VmRSS")}


def tokens(client, container):
    """How many requests can wait for their client; used up again, since a refused WebSocket costs its token."""
    urls = []
    try:
        while len(urls) < 5000:
            urls.append(client.Exec(container_id=container, cmd=["true"], stdout=True).url)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    for url in urls:
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname, parts.port)) as connection:
            connection.sendall(handshake(url, WEBSOCKET + "Sec-WebSocket-Protocol: none\r\n"))
            assert b" 403 " in connection.recv(4096)
    return len(urls)


def handshake(url, headers):
    return f"POST {urlsplit(url).path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n{headers}\r\n".replace(
        "POST", "GET" if "websocket" in headers else "POST", 1).encode()


class Visit:
    """One client: a request, an upgrade, some of what it would send; gone at some byte of it or some moment after."""

    def __init__(self, client, container, sandbox, seed):
        self.client = client
        self.container = container
        self.sandbox = sandbox
        self.chance = random.Random(seed)

    def run(self):
        kind = self.chance.choice(["exec", "exec", "exec", "attach", "ports"])
        is_spdy = self.chance.random() < 0.5
        url = getattr(self, kind)()
        wire = (self.spdy if is_spdy else self.websocket)(url, kind)
        if self.chance.random() < 0.3:
            wire = wire[:self.chance.randrange(len(wire))]
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname, parts.port)) as connection:
            connection.settimeout(10)
            try:
                # The handshake by itself: what follows comes sooner or later than its answer.
                end = wire.find(b"\r\n\r\n") + 4
                connection.sendall(wire[:end])
                if self.chance.random() < 0.8 and end > 3:
                    connection.recv(4096)
                connection.sendall(wire[end:])
                # That is the point: any moment of what the server is doing.
                time.sleep(self.chance.choice([0, 0, 0.01, 0.05, 0.2, 0.5]) * self.chance.random())
                if self.chance.random() < 0.3:
                    connection.setblocking(False)
                    connection.recv(1 << 16)
            except OSError:
                pass
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", self.chance.randrange(2), 0))

    def exec(self):
        command = self.chance.choice([["sleep", MARK], ["cat", "-", MARK], ["sh", "-c", "yes", MARK]])
        self.tty = self.chance.random() < 0.3
        return self.client.Exec(container_id=self.container, cmd=command, stdin=True, stdout=True, tty=self.tty).url

    def attach(self):
        self.tty = False
        return self.client.Attach(container_id=self.container, stdin=False, stdout=True, stderr=True).url

    def ports(self):
        return self.client.PortForward(pod_sandbox_id=self.sandbox, port=[PORT]).url

    def websocket(self, url, kind):
        wire = handshake(url, WEBSOCKET + "Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n")
        if kind != "attach":
            for _ in range(self.chance.randrange(20)):
                size = self.chance.choice([0, 10, 100])
                wire += bytes([0x82, 0x80 | size + 1, 0, 0, 0, 0, 0]) + bytes(size)
        return wire

    def spdy(self, url, kind):
        version = "portforward.k8s.io" if kind == "ports" else "v4.channel.k8s.io"
        wire = handshake(url, f"Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: {version}\r\n")
        streams = {"attach": ["error", "stdout", "stderr"], "ports": ["error", "data"]}.get(
            kind, ["error", "stdin", "stdout"] + ["resize"] * getattr(self, "tty", False))
        packer = zlib.compressobj()
        for number, stream in enumerate(streams):
            headers = {"streamtype": stream, "port": str(PORT), "requestid": "1"}
            block = struct.pack(">I", len(headers))
            for pair in headers.items():
                for text in pair:
                    block += struct.pack(">I", len(text)) + text.encode()
            packed = packer.compress(block) + packer.flush(zlib.Z_SYNC_FLUSH)
            wire += struct.pack(">HHIIIH", 0x8003, 1, len(packed) + 10, 2 * number + 1, 0, 0) + packed
        if kind != "attach":
            for _ in range(self.chance.randrange(20)):
                size = self.chance.choice([0, 10, 10000])
                wire += struct.pack(">II", 3, size) + bytes(size)
        return wire
