"""A door to Docker that writes down what is asked of it."""

import contextlib
import re
import socket
import threading

REQUEST = re.compile(rb"(?:^|\n)(GET|HEAD|POST|PUT|DELETE) (?:/v[0-9.]+)?(/[^ ?]*)[^ ]* HTTP/1\.1\r\n")
ID = re.compile(r"[0-9a-f]{64}|k8s_[^/]+")


class Recorder:
    """Forwards connections from `socket` to Docker's and notes each request as `METHOD /path`, ids as ID."""

    def __init__(self, path, target):
        self.socket = path
        self._target = str(target)
        self._lock = threading.Lock()
        self._requests = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def take(self):
        """The requests since the last call."""
        with self._lock:
            requests, self._requests = self._requests, []
        return requests

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.socket.unlink()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                docker = socket.socket(socket.AF_UNIX)
                docker.connect(self._target)
                threading.Thread(target=self._pump, args=(client, docker, self._note), daemon=True).start()
                threading.Thread(target=self._pump, args=(docker, client, None), daemon=True).start()

    def _note(self, data):
        found = [f"{method.decode()} {ID.sub('ID', path.decode())}" for method, path in REQUEST.findall(data)]
        with self._lock:
            self._requests += found

    @staticmethod
    def _pump(source, sink, note):
        # A request's first line comes in one piece: it is what its sender writes first.
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if note:
                    note(data)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
