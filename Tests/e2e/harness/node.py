"""A node's files below a directory, and stand-ins for the programs that a migration runs, which tell the test."""

import os
import pathlib
import socket
import subprocess
import sys
import threading

STAND_IN = """\
#!{python}
import os, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect({hook!r})
link.sendall("\\0".join([os.path.basename(sys.argv[0]), *sys.argv[1:]]).encode())
link.shutdown(socket.SHUT_WR)
answer = b""
while data := link.recv(4096):
    answer += data
status, _, text = answer.decode().partition("\\n")
print(text, end="", file=sys.stdout if status == "0" else sys.stderr)
sys.exit(int(status or 1))
"""

KUBEADM = """\
# Made by kubeadm
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
"""
CRI_DOCKER = """\
[Unit]
Requires=cri-docker.socket
[Service]
Type=notify
ExecStart=/usr/bin/cri-dockerd --container-runtime-endpoint fd:// --network-plugin=cni \\
  --pod-infra-container-image registry.local/pause:3.9
"""
CONFIGURATION = """\
apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  anonymous:
    enabled: false
{endpoint}cgroupDriver: systemd   # as Docker's
clusterDNS: [10.96.0.10]
kind: KubeletConfiguration
"""


class Node:
    """`kind` is what runs its pods; `on_command(words)` may act on a command and fail it by returning a text."""

    def __init__(self, directory, kind):
        self.directory = pathlib.Path(directory)
        self.root = self.directory / "root"
        self.kind = kind
        self.version = "v1.23.17" if kind == "dockershim" else "v1.30.4"
        self.calls, self.enabled, self.active = [], {"kubelet.service"}, {"kubelet.service"}
        self.annotation = "/var/run/dockershim.sock"
        self.on_command = lambda words: None
        self._files()
        self._stand_ins()

    def _files(self):
        self.write("usr/lib/systemd/system/kubelet.service", "[Service]\nExecStart=/usr/bin/kubelet\n")
        self.write("etc/systemd/system/kubelet.service.d/10-kubeadm.conf", KUBEADM)
        self.write("etc/kubernetes/kubelet.conf", "kind: Config\n", 0o600)
        self.write("etc/hostname", "Node-1\n")
        self.write("etc/default/kubelet", "# Extra\nKUBELET_EXTRA_ARGS='--v=2'\n")
        flags = "--network-plugin=cni --pod-infra-container-image=k8s.gcr.io/pause:3.6"
        endpoint = ""
        if self.kind == "cri-dockerd":
            flags = "--container-runtime-endpoint=unix:///var/run/cri-dockerd.sock"
            endpoint = "containerRuntimeEndpoint: unix:///var/run/cri-dockerd.sock\n"
            self.write("usr/lib/systemd/system/cri-docker.service", CRI_DOCKER)
            self.write("usr/lib/systemd/system/cri-docker.socket", "[Socket]\nListenStream=%t/cri-dockerd.sock\n")
            self.write("etc/crictl.yaml", "runtime-endpoint: unix:///var/run/cri-dockerd.sock")
            self.annotation = "unix:///var/run/cri-dockerd.sock"
            for unit in ("cri-docker.service", "cri-docker.socket"):
                self.enabled.add(unit), self.active.add(unit)
        self.write("var/lib/kubelet/kubeadm-flags.env", f'KUBELET_KUBEADM_ARGS="{flags}"\n', 0o640)
        self.write("var/lib/kubelet/config.yaml", CONFIGURATION.format(endpoint=endpoint), 0o600)

    def write(self, name, text, mode=0o644):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def files(self):
        """Every file with its mode and owner, but for what Fender keeps of its own."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            if path.is_file() and not path.is_symlink() and not name.startswith("var/lib/"):
                status = path.stat()
                found[name] = (path.read_bytes(), status.st_mode, status.st_uid, status.st_gid)
        for path in sorted((self.root / "var/lib/kubelet").iterdir()):
            status = path.stat()
            found[f"kubelet/{path.name}"] = (path.read_bytes(), status.st_mode, status.st_uid, status.st_gid)
        return found

    # The stand-ins for systemctl, kubectl and kubelet.

    def _stand_ins(self):
        self.bin = self.directory / "bin"
        self.bin.mkdir()
        hook = str(self.directory / "hook")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(hook)
        self.listener.listen()
        for name in ("systemctl", "kubectl", "kubelet"):
            (self.bin / name).write_text(STAND_IN.format(python=sys.executable, hook=hook))
            (self.bin / name).chmod(0o755)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _serve(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            data = b""
            while more := link.recv(4096):
                data += more
            status, text = self._answer(data.decode().split("\0"))
            try:
                link.sendall(f"{status}\n{text}".encode())
            except OSError:
                pass
            link.close()

    def _answer(self, words):
        name, *rest = words
        if name == "kubelet":
            return 0, f"Kubernetes {self.version}\n"
        if name == "systemctl" and rest[0] in ("is-enabled", "is-active"):
            return (0 if rest[-1] in getattr(self, rest[0][3:]) else 3), ""
        if name == "kubectl" and "get" in rest:
            return 0, self.annotation
        self.calls.append(" ".join(words))
        try:
            failure = self.on_command(words)
        except Exception as error:  # the test hears of it by the command's failure
            failure = f"{type(error).__name__}: {error}"
        if failure:
            return 1, failure
        if name == "kubectl":
            self.annotation = rest[-1].partition("=")[2]
        else:
            self._change(rest)
        return 0, ""

    def _change(self, words):
        verb, units = words[0], [word for word in words[1:] if not word.startswith("-")]
        if verb in ("enable", "disable"):
            (self.enabled.update if verb == "enable" else self.enabled.difference_update)(units)
            verb = {"enable": "start", "disable": "stop"}[verb] if "--now" in words else ""
        if verb in ("start", "restart"):
            self.active.update(units)
        elif verb == "stop":
            self.active.difference_update(units)

    def state(self):
        return sorted(self.enabled), sorted(self.active), self.annotation

    def migrate(self, fender, *arguments):
        """Starts `fender migrate`."""
        command = [pathlib.Path(fender).resolve(), "migrate", "--root", self.root, *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}"})

    def run(self, fender, *arguments, code=0):
        """Its output, when it ends as it should."""
        process = self.migrate(fender, *arguments)
        output, errors = process.communicate(timeout=120)
        assert process.returncode == code, (process.returncode, output, errors)
        return output if code == 0 else errors
