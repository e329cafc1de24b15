"""As much of a Kubernetes API server, and of the kubelet behind it, as kubectl needs to reach a container.

Streams are passed through: the server under test is asked over the CRI for a URL, gets the client's own request
there, and from then on every byte goes by unread, as from API server and kubelet.
"""

import contextlib
import http.server
import json
import socket
import threading
from urllib.parse import parse_qs, urlsplit

import grpc

from .schema import pb

PIECE = 256 << 10
RESOURCES = [
    {"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "verbs": ["get", "list"],
     "shortNames": ["po"]},
    *({"name": f"pods/{name}", "singularName": "", "namespaced": True, "kind": kind, "verbs": ["create", "get"]}
      for name, kind in [("attach", "PodAttachOptions"), ("exec", "PodExecOptions"), ("log", "Pod"),
                         ("portforward", "PodPortForwardOptions")]),
]
DOCUMENTS = {
    "/version": {"major": "1", "minor": "36", "gitVersion": "v1.36.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": RESOURCES},
}


class ApiServer:
    """Serves the pods that were added to it. `upgrades` tells what was asked for and answered, in order."""

    def __init__(self, client):
        self.client = client
        self.pods = {}
        self.upgrades = []
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Request, bind_and_activate=False)
        self.http.request_queue_size = 512
        self.http.daemon_threads = True
        self.http.api = self
        self.http.server_bind()
        self.http.server_activate()
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05})

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.http.shutdown()
        self.thread.join()
        self.http.socket.close()

    def add(self, pod, **containers):
        """A pod of the harness, with its containers' configurations by id."""
        self.pods[pod.config.metadata.namespace, pod.config.metadata.name] = pod, containers

    def manifest(self, pod, containers):
        configs = containers.values()
        return {
            "kind": "Pod", "apiVersion": "v1",
            "metadata": {"name": pod.config.metadata.name, "namespace": pod.config.metadata.namespace,
                         "uid": pod.config.metadata.uid},
            "spec": {"containers": [{"name": config.metadata.name, "image": config.image.image,
                                     "stdin": config.stdin, "tty": config.tty} for config in configs]},
            "status": {"phase": "Running", "podIP": pod.ip, "containerStatuses": [
                {"name": config.metadata.name, "ready": True, "state": {"running": {}}} for config in configs]},
        }

    def stream_url(self, kind, pod, containers, query):
        """Where the runtime awaits the client, as a kubelet asks it."""
        if kind == "portforward":
            return self.client.PortForward(pod_sandbox_id=pod.id, port=[int(port) for port in query.get("ports", [])]).url
        true = lambda name: query.get(name, ["false"])[0] in ("true", "1")
        streams = {"container_id": container(containers, query), "stdin": true("stdin"), "stdout": true("stdout"),
                   "stderr": true("stderr") and not true("tty"), "tty": true("tty")}
        if kind == "attach":
            return self.client.Attach(**streams).url
        return self.client.Exec(cmd=query["command"], **streams).url


def container(containers, query):
    name = query.get("container", [None])[0]
    return next(key for key, config in containers.items() if name in (None, config.metadata.name))


class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    rbufsize = 0  # what follows an upgrade's headers is not ours to read

    def do_GET(self):
        parts = urlsplit(self.path)
        if parts.path in DOCUMENTS:
            return self.answer(200, DOCUMENTS[parts.path])
        try:
            words = parts.path.removeprefix("/api/v1/namespaces/").split("/")
            pod, containers = self.server.api.pods[words[0], words[2]]
        except (IndexError, KeyError):
            return self.refuse(404, "NotFound", f"{self.path} not found")
        query = parse_qs(parts.query)
        match words[3:]:
            case []:
                self.answer(200, self.server.api.manifest(pod, containers))
            case ["log"]:
                self.answer(200, log(pod, containers[container(containers, query)]), "text/plain")
            case [("attach" | "exec" | "portforward") as kind]:
                self.stream(kind, pod, containers, query)
            case _:
                self.refuse(404, "NotFound", f"{self.path} not found")

    do_POST = do_GET

    def stream(self, *what):
        try:
            url = urlsplit(self.server.api.stream_url(*what))
        except grpc.RpcError as error:
            return self.refuse(500, "InternalError", error.details())
        self.close_connection = True
        with socket.create_connection((url.hostname, url.port)) as runtime:
            lines = [f"{self.command} {url.path} HTTP/1.1", f"Host: {url.netloc}"]
            lines += [f"{name}: {value}" for name, value in self.headers.items() if name.lower() != "host"]
            runtime.sendall("\r\n".join([*lines, "", ""]).encode())
            head = read_head(runtime)
            self.server.api.upgrades.append(Upgrade(self.command, self.headers, head.decode()))
            self.connection.sendall(head)
            exchange(self.connection, runtime)

    def answer(self, status, body, content_type="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status, reason, message):
        self.answer(status, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason,
                             "message": message, "code": status})

    def log_message(self, *_):
        pass


class Upgrade:
    """A client's wish for another protocol, and what the server under test made of it."""

    def __init__(self, method, headers, answer):
        self.method = method
        self.to = headers.get("Upgrade", "").lower()
        self.accepted = " 101 " in answer.split("\r\n")[0]
        fields = dict(line.lower().split(": ", 1) for line in answer.split("\r\n")[1:] if ": " in line)
        self.protocol = fields.get("sec-websocket-protocol") or fields.get("x-stream-protocol-version", "")


def read_head(connection):
    """The head of an answer, and not a byte more."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            break
        head += byte
    return head


def exchange(client, runtime):
    """Passes bytes both ways. A client that goes takes its connection to the runtime along; what the runtime sent
    before it closed still reaches the client."""
    def from_client():
        copy(client, runtime)
        with contextlib.suppress(OSError):
            runtime.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=from_client, daemon=True)
    thread.start()
    copy(runtime, client)
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_WR)
    thread.join(timeout=10)
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
    thread.join()


def copy(source, sink):
    buffer = memoryview(bytearray(PIECE))
    with contextlib.suppress(OSError):
        while size := source.recv_into(buffer):
            sink.sendall(buffer[:size])


def log(pod, config):
    """The messages of a log in the CRI's format: time, stream and a tag for partial lines stand before each."""
    data = b""
    for line in pod.log(config).read_bytes().splitlines(keepends=True):
        _, _, tag, message = line.split(b" ", 3)
        data += message.removesuffix(b"\n") if tag == b"P" else message
    return data
