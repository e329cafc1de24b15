"""A WebSocket client of ours for remote commands and port-forward: channels in messages."""

import base64
import contextlib
import json
import os
import socket
import struct
from urllib.parse import urlsplit

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
TEXT, BINARY, CLOSING, PING, PONG = 1, 2, 8, 9, 10
# Where receive() puts the answer to a ping, beside the channels.
PONG_CHANNEL = 266


class Refused(Exception):
    pass


class WebSocket:
    """A client that is independent of the server: channels in messages, the first byte says which."""

    def __init__(self, url, *protocols, buffer=None, headers=(), tls=None):
        parts = urlsplit(url)
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(60)
        self.socket.connect((parts.hostname, parts.port))
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=parts.hostname)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: Upgrade", "Upgrade: websocket",
                 "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", *headers]
        if protocols:
            lines.append(f"Sec-WebSocket-Protocol: {', '.join(protocols)}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.file = self.socket.makefile("rb")
        status = self.file.readline().decode()
        self.headers = {}
        while (line := self.file.readline().decode().strip()):
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        if " 101 " not in status:
            self.abandon()
            raise Refused(status.strip())
        self.protocol = self.headers.get("sec-websocket-protocol", "")

    def frame(self, opcode, payload, final=True):
        mask = os.urandom(4)
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else (
            b"\xfe" + struct.pack(">H", size) if size < 65536 else b"\xff" + struct.pack(">Q", size))
        key = int.from_bytes(mask * (size // 4 + 1), "big") >> 8 * (4 * (size // 4 + 1) - size)
        masked = (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big") if size else b""
        self.socket.sendall(bytes([0x80 * final | opcode]) + length + mask + masked)

    def send(self, channel, payload):
        if "base64" in self.protocol:
            self.frame(TEXT, str(channel).encode() + base64.b64encode(payload))
        else:
            self.frame(BINARY, bytes([channel]) + payload)

    def await_output(self):
        """Waits until bytes have come, and reads none."""
        self.socket.recv(1, socket.MSG_PEEK)

    def end_input(self):
        self.send(CLOSE, bytes([STDIN]))

    def receive(self):
        """The next (channel, payload); None at the end."""
        while True:
            head = self.file.read(2)
            if len(head) < 2:
                return None
            opcode, size = head[0] & 15, head[1] & 127
            if size > 125:
                size = int.from_bytes(self.file.read(2 if size == 126 else 8), "big")
            payload = self.file.read(size)
            if opcode == CLOSING:
                with contextlib.suppress(OSError):
                    self.frame(CLOSING, payload)
                return None
            if opcode == TEXT and payload:
                return payload[0] - 0x30, base64.b64decode(payload[1:])
            if opcode == BINARY and payload:
                return payload[0], payload[1:]
            if opcode == PONG:
                return PONG_CHANNEL, payload

    def collect(self):
        """Everything until the end: output by channel."""
        output = {STDOUT: bytearray(), STDERR: bytearray(), ERROR: bytearray()}
        while message := self.receive():
            output.setdefault(message[0], bytearray()).extend(message[1])
        self.abandon()
        return {channel: bytes(data) for channel, data in output.items()}

    def read_until(self, what, channel=STDOUT):
        data = b""
        while what not in data:
            message = self.receive()
            assert message, f"ended before {what!r}: {data!r}"
            if message[0] == channel:
                data += message[1]
        return data

    def abandon(self, reset=False):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.file.close()
        self.socket.close()


def status(output):
    return json.loads(output[ERROR])


def code(output):
    answer = status(output)
    if answer["status"] == "Success":
        return 0
    return int(next(c["message"] for c in answer["details"]["causes"] if c["reason"] == "ExitCode"))
