"""Tests of the Debian package, made of the debug programs: FENDER_PROGRAMS names another build's."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "Tests/e2e"))


@pytest.fixture(scope="session")
def programs():
    return TOP / os.environ.get("FENDER_PROGRAMS", ".build/debug")


@pytest.fixture(scope="session")
def packages(programs):
    """Two versions of the package, where every kind of machine finds them."""
    directory = TOP / ".build/test-packages"
    shutil.rmtree(directory, ignore_errors=True)
    made = []
    for suffix in ("", "+1"):
        command = [TOP / "packaging/debian/build", "--from", programs, "--to", directory, "--fast",
                   f"--version-suffix={suffix}"]
        made.append(pathlib.Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()))
    return made


class Machine:
    """This machine's files under an overlay, without its processes; what is done there is gone with it."""

    def __init__(self, directory):
        self.directory = directory
        for name in ("upper", "work", "root"):
            (directory / name).mkdir()

    def run(self, script, code=0):
        """A shell script's output."""
        layers = f"lowerdir=/,upperdir={self.directory}/upper,workdir={self.directory}/work"
        enter = f"""
            mount -t overlay -o {layers} overlay {self.directory}/root
            cd {self.directory}/root
            mount -t proc proc proc
            mount -t sysfs sysfs sys
            mount -t tmpfs tmpfs run
            mount --rbind /dev dev
            # Else every manual of the machine is read.
            rm -f var/lib/man-db/auto-update
            exec chroot . /bin/bash -euc "$1"
        """
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LANG": "C.UTF-8"}
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child", "/bin/bash",
             "-euc", enter, "machine", script], capture_output=True, text=True, env=environment, timeout=300)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture
def machine(packages):
    """Its upper directory lies beside the packages' on a real disk."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="fender-package-", dir=os.environ.get("FENDER_E2E_DIR", "/var/tmp")))
    machine = Machine(directory)
    for package in packages:
        shutil.copy(package, directory)
    machine.packages = [directory / package.name for package in packages]
    (directory / "upper" / str(directory).lstrip("/")).mkdir(parents=True)
    yield machine
    shutil.rmtree(directory)
