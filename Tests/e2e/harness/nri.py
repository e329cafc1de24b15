"""A plugin of the Node Resource Interface: ttrpc over two lanes of one connection."""

import contextlib
import os
import socket
import struct
import threading

from google.protobuf import message_factory

from .schema import nri, ttrpc
from .waiting import until

PACKAGE = nri.DESCRIPTOR.package
# Who serves calls in a lane gives it its name.
PLUGIN, RUNTIME = 1, 2
REQUEST, RESPONSE = 1, 2
METHODS = {method.name: method for method in nri.DESCRIPTOR.services_by_name["Plugin"].methods}


class Refused(Exception):
    """What a handler raises to answer an error, and what a call of ours that was refused raises."""


class Plugin:
    """Joins by `start`. `handlers` are called with requests by method and answer a message, or fields of one in a
    dictionary; `told` is what the plugin was told, in its order, as pairs of a method and a request."""

    def __init__(self, path, name="test", index="10", events=0, **handlers):
        self.path, self.name, self.index, self.events = path, name, index, events
        self.handlers = handlers
        self.told = []
        self.socket = None
        self.is_over = threading.Event()
        self.answers = {}
        self.stream = -1
        self.lock = threading.Lock()

    def connect(self):
        inherited = os.environ.get("NRI_PLUGIN_SOCKET")
        if self.path is None:
            self.socket = socket.socket(fileno=int(inherited))
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(str(self.path))
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def register(self):
        self.call("RegisterPlugin", nri.RegisterPluginRequest(plugin_name=self.name, plugin_idx=self.index))

    def start(self, timeout=20):
        self.connect()
        self.register()
        until(lambda: self.methods("Synchronize"), timeout=timeout, what="the plugin was shown what exists")
        return self

    def stop(self):
        if self.socket.fileno() >= 0:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def methods(self, *names):
        """The requests of these methods."""
        return [request for method, request in list(self.told) if method in names]

    def about(self, container):
        """The methods that told of the container, in their order."""
        return [method for method, request in list(self.told)
                if "container" in request.DESCRIPTOR.fields_by_name and request.container.id == container]

    def about_pod(self, pod):
        """The methods that told of the pod and of no container of it."""
        return [method for method, request in list(self.told)
                if {"pod", "container"} & {*request.DESCRIPTOR.fields_by_name} == {"pod"} and request.pod.id == pod]

    def call(self, method, request, timeout=20):
        """Calls the runtime; gives the answer's bytes."""
        with self.lock:
            self.stream += 2
            stream = self.stream
        envelope = ttrpc.Request(
            service=f"{PACKAGE}.Runtime", method=method, payload=request.SerializeToString())
        self._send(RUNTIME, stream, REQUEST, envelope)
        until(lambda: stream in self.answers or self.is_over.is_set(), timeout=timeout, what=f"{method} is answered")
        if stream not in self.answers:
            raise Refused("the connection has ended")
        answer = self.answers.pop(stream)
        if answer.status.code:
            raise Refused(answer.status.message)
        return answer.payload

    def update(self, *updates, evict=()):
        """Changes containers; gives those that could not be."""
        payload = self.call("UpdateContainers", nri.UpdateContainersRequest(update=updates, evict=evict))
        return nri.UpdateContainersResponse.FromString(payload).failed

    # Bytes.

    def _send(self, lane, stream, kind, message):
        data = message.SerializeToString()
        frame = struct.pack(">IIBB", len(data), stream, kind, 0) + data
        with self.lock:
            self.socket.sendall(struct.pack(">II", lane, len(frame)) + frame)

    def _take(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def _read(self):
        lanes = {PLUGIN: b"", RUNTIME: b""}
        try:
            while True:
                lane, length = struct.unpack(">II", self._take(8))
                lanes[lane] += self._take(length)
                while len(lanes[lane]) >= 10:
                    size, stream, kind, _ = struct.unpack(">IIBB", lanes[lane][:10])
                    if len(lanes[lane]) < 10 + size:
                        break
                    data, lanes[lane] = lanes[lane][10:10 + size], lanes[lane][10 + size:]
                    self._receive(lane, stream, data)
        except (EOFError, OSError):
            pass
        finally:
            self.is_over.set()

    def _receive(self, lane, stream, data):
        if lane == RUNTIME:
            self.answers[stream] = ttrpc.Response.FromString(data)
            return
        envelope = ttrpc.Request.FromString(data)
        threading.Thread(target=self._answer, args=(stream, envelope), daemon=True).start()

    def _answer(self, stream, envelope):
        method = METHODS[envelope.method]
        request = message_factory.GetMessageClass(method.input_type).FromString(envelope.payload)
        self.told.append((method.name, request))
        reply_type = message_factory.GetMessageClass(method.output_type)
        try:
            answer = self.handlers.get(method.name, self._default)(request)
            reply = reply_type(**answer) if isinstance(answer, dict) else answer or reply_type()
            response = ttrpc.Response(payload=reply.SerializeToString())
        except Refused as error:
            response = ttrpc.Response(status=ttrpc.Status(code=2, message=str(error)))
        if self.is_over.is_set():
            return
        try:
            self._send(PLUGIN, stream, RESPONSE, response)
        except OSError:
            pass

    def _default(self, request):
        if isinstance(request, nri.ConfigureRequest):
            return {"events": self.events}
        if isinstance(request, nri.SynchronizeRequest):
            return {"more": request.more}
        return None


def adjusting(**fields):
    """A handler that asks for these fields of a ContainerAdjustment."""
    return lambda request: {"adjust": nri.ContainerAdjustment(**fields)}
