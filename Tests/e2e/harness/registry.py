"""Registries on this namespace's loopback: one open, one that wants a password, over one store."""

import base64
import hashlib
import json
import pathlib
import subprocess
import urllib.error
import urllib.request

from .process import Daemon

OPEN = "127.0.0.1:5000"
LOCKED = "127.0.0.1:5001"
USER, PASSWORD = "captain", "s3cret"

LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
CONFIG = "application/vnd.docker.container.image.v1+json"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Registry:
    def __init__(self, work):
        self.root = pathlib.Path(work) / "registry"
        self.root.mkdir()
        passwords = self.root / "htpasswd"
        subprocess.run(["htpasswd", "-Bbc", passwords, USER, PASSWORD], check=True, capture_output=True)
        realm = {"REGISTRY_AUTH": "htpasswd", "REGISTRY_AUTH_HTPASSWD_REALM": "tests",
                 "REGISTRY_AUTH_HTPASSWD_PATH": str(passwords)}
        self.open = self._daemon(work, "registry", OPEN)
        self.locked = self._daemon(work, "registry-locked", LOCKED, realm)

    def _daemon(self, work, name, address, environment=None):
        configuration = self.root / f"{name}.json"
        configuration.write_text(json.dumps({
            "version": 0.1, "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self.root / "store")}, "delete": {"enabled": True}},
            "http": {"addr": address},
        }))
        command = ["docker-registry", "serve", configuration]
        return Daemon(name, work, command, lambda: self._answers(address), environment)

    @staticmethod
    def _answers(address):
        try:
            urllib.request.urlopen(f"http://{address}/v2/", timeout=5)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def start(self):
        self.open.start()
        self.locked.start()
        return self

    def stop(self):
        self.open.stop()
        self.locked.stop()

    def push(self, repository, tag, layers, configuration):
        """Puts an image there; `layers` are gzipped tars. Gives the manifest's digest."""
        descriptors = [self._blob(repository, layer, LAYER) for layer in layers]
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": self._blob(repository, configuration, CONFIG), "layers": descriptors,
        }).encode()
        self._send("PUT", f"/v2/{repository}/manifests/{tag}", manifest, MANIFEST)
        return "sha256:" + hashlib.sha256(manifest).hexdigest()

    def _blob(self, repository, data, media_type):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        place = self._send("POST", f"/v2/{repository}/blobs/uploads/", b"").headers["Location"]
        path = place.removeprefix(f"http://{OPEN}")
        separator = "&" if "?" in path else "?"
        self._send("PUT", f"{path}{separator}digest={digest}", data, "application/octet-stream")
        return {"mediaType": media_type, "size": len(data), "digest": digest}

    @staticmethod
    def _send(method, path, data, content_type="application/octet-stream"):
        request = urllib.request.Request(
            f"http://{OPEN}{path}", data=data, method=method, headers={"Content-Type": content_type})
        return urllib.request.urlopen(request, timeout=60)


def basic_auth():
    """The `auth` form of credentials, as a Docker configuration file holds them."""
    return base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
