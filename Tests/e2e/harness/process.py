"""A daemon under test: started with its output in a file, found ready by a fact, ended by its id."""

import contextlib
import os
import pathlib
import signal
import subprocess

from .waiting import until


class Ended(AssertionError):
    """The daemon ended before it was ready."""


class Daemon:
    def __init__(self, name, work, command, ready, environment=None):
        self.name = name
        self.command = [str(part) for part in command]
        self.log = pathlib.Path(work) / f"{name}.log"
        self.ready = ready
        self.environment = {**os.environ, **(environment or {})}
        self.process = None

    def start(self, timeout=60, ready=None):
        """Starts it and waits for `ready`, by default its usual sign."""
        assert self.process is None
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        until(lambda: self._is(ready or self.ready), timeout=timeout, what=f"{self.name} is ready")
        return self

    def _is(self, ready):
        status = self.process.poll()
        if status is not None:
            self.process = None
            raise Ended(f"{self.name} ended with {status}:\n{self.tail()}")
        return ready()

    def restart(self, tries=3):
        """Kills and starts it; like systemd again, if it gives up: dockerd takes its dying containerd for a living
        one and waits for it in vain."""
        self.stop(kill=True)
        for _ in range(tries - 1):
            with contextlib.suppress(Ended):
                return self.start()
        return self.start()

    def stop(self, kill=False, timeout=30):
        """Ends the daemon, by SIGKILL if asked; gives its exit status."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not end within {timeout} s of SIGTERM:\n{self.tail()}")
        finally:
            self.process = None
        return status

    @property
    def pid(self):
        return self.process.pid

    def tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
