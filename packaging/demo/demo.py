#!/usr/bin/env python3
"""Starts Fender, on Docker or without one, and runs one pod through the CRI socket, saying what it does (`make run`).

Fender stays up; everything of its is in /var/tmp/fender-demo.
"""

import argparse
import hashlib
import io
import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import tarfile
import time
import urllib.request
import uuid

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "Tests/e2e"))

from harness import images  # noqa: E402
from harness.client import Client  # noqa: E402
from harness.schema import pb  # noqa: E402
from harness.waiting import until  # noqa: E402

ROOT = pathlib.Path("/var/tmp/fender-demo")
SOCKET = ROOT / "fender.sock"
SYSTEM_DOCKER = pathlib.Path("/var/run/docker.sock")
IMAGE = "fender.local/demo:1"
STATE = ROOT / "state"
NAMESPACES = pb.NamespaceOption(pid=pb.CONTAINER)
SCRIPT = """
echo Hello from a pod on Fender
/bin/ip -o -4 addr show dev eth0 >&2
exec /bin/httpd -f -p 80 -h /www
"""
HOST_PORT = 8083


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--fender", required=True, type=pathlib.Path)
    fender = arguments.parse_args().fender.resolve()
    if os.geteuid() != 0:
        sys.exit("Docker and pod networks need root")
    ROOT.mkdir(parents=True, exist_ok=True)
    stop_former()
    docker = SYSTEM_DOCKER if docker_answers(SYSTEM_DOCKER) else None
    say(f"Docker answers at {docker}" if docker else "No Docker answers: Fender runs the pod itself")
    load_image(fender, docker)
    pid = start_fender(fender, docker)
    run_pod(Client(SOCKET))
    say("Fender stays up")
    print(f"  its socket   {SOCKET}\n  its log      {ROOT / 'fender.log'}")
    print(f"  a client     crictl --runtime-endpoint unix://{SOCKET} ps\n  the end      kill {pid}")


def say(text):
    print(f"\n== {text}", flush=True)


def docker_answers(socket):
    return socket.exists() and docker(socket, "version", check=False).returncode == 0


def docker(socket, *arguments, check=True, **options):
    return subprocess.run(["docker", "--host", f"unix://{socket}", *arguments], check=check, capture_output=True, **options)


def load_image(fender, socket):
    say(f"Importing the image {IMAGE}, made from busybox")
    archive = ROOT / "demo.tar"
    archive.write_bytes(image_archive())
    if socket:
        docker(socket, "load", "--input", archive)
    else:
        subprocess.run([fender, "images", "import", "--root-directory", STATE, archive], check=True)
    archive.unlink()


def image_archive():
    """The image as `docker save` writes it."""
    tar, _ = images.layer(images.base_files(), links={f"bin/{name}": "bin/busybox" for name in images.APPLETS})
    config = json.dumps({
        "architecture": images.architecture(), "os": "linux", "config": {"Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}"]}}).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in {"config.json": config, "layer.tar": tar, "manifest.json": manifest}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def start(name, command):
    log = open(ROOT / f"{name}.log", "ab")
    return subprocess.Popen(
        list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True).pid


def start_fender(program, docker):
    command = [
        program, "serve", "--container-runtime-endpoint", f"unix://{SOCKET}",
        *(["--docker-endpoint", f"unix://{docker}"] if docker else ["--runtime=native"]),
        "--root-directory", STATE, "--state-directory", ROOT / "run", "--network-plugin=builtin",
        "--cni-conf-dir", ROOT / "net.d", "--cni-cache-dir", ROOT / "cni-cache"]
    say("Starting Fender")
    print("  $", shlex.join(map(str, command)))
    pid = start("fender", command)
    (ROOT / "fender.pid").write_text(str(pid))
    return pid


def stop_former():
    """Ends the Fender that an earlier run of this left."""
    try:
        pid = int((ROOT / "fender.pid").read_text())
        former = pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "fender"
    except (OSError, ValueError):
        return
    if former:
        os.kill(pid, signal.SIGTERM)
        until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), what="the former Fender has ended")


def fetch():
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{HOST_PORT}/", timeout=5) as page:
            return page.read().decode().strip()
    except OSError:
        return None


def run_pod(client):
    version = client.Version()
    print(f"  {version.runtime_name} {version.runtime_version}, CRI {version.runtime_api_version}")
    until(lambda: all(condition.status for condition in client.Status().status.conditions), what="Fender is ready")

    say("RunPodSandbox")
    uid = str(uuid.uuid4())
    logs = ROOT / "pods" / uid
    logs.mkdir(parents=True)
    sandbox_config = pb.PodSandboxConfig(
        metadata=pb.PodSandboxMetadata(name="hello", namespace="demo", uid=uid), hostname="hello",
        log_directory=str(logs), labels={"made-by": "make-run"},
        port_mappings=[pb.PortMapping(container_port=80, host_port=HOST_PORT)], linux=pb.LinuxPodSandboxConfig(
            security_context=pb.LinuxSandboxSecurityContext(namespace_options=NAMESPACES)))
    sandbox = client.RunPodSandbox(config=sandbox_config).pod_sandbox_id
    print(f"  {sandbox[:12]} has the address {client.sandbox_status(sandbox).network.ip}")

    say("CreateContainer, StartContainer")
    container = client.CreateContainer(pod_sandbox_id=sandbox, sandbox_config=sandbox_config, config=pb.ContainerConfig(
        metadata=pb.ContainerMetadata(name="hello"), image=pb.ImageSpec(image=IMAGE),
        command=["/bin/sh", "-c", SCRIPT], log_path="hello.log",
        linux=pb.LinuxContainerConfig(
            security_context=pb.LinuxContainerSecurityContext(namespace_options=NAMESPACES)))).container_id
    client.StartContainer(container_id=container)
    print(f"  {container[:12]} is {pb.ContainerState.Name(client.status(container).state)}")

    say("Its log, as the kubelet reads it")
    log = logs / "hello.log"
    until(lambda: log.exists() and len(log.read_text().splitlines()) >= 2, what="both lines are in the log")
    print("  " + log.read_text().strip().replace("\n", "\n  "))

    say(f"http://127.0.0.1:{HOST_PORT}/")
    print("  " + until(fetch, what="the pod answers at its host port"))

    say("ExecSync: ps")
    print("  " + client.exec(container, "/bin/ps").strip().replace("\n", "\n  "))

    say("ListContainers")
    for item in client.containers(label_selector={}):
        age = time.time() - item.created_at / 1e9
        print(f"  {item.id[:12]}  {item.image.image}  {pb.ContainerState.Name(item.state)}  {age:.1f} s old")


if __name__ == "__main__":
    main()
