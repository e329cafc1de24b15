"""Real kubectls as clients, in pipes and at a terminal."""

import contextlib
import fcntl
import os
import pathlib
import pty
import select
import struct
import subprocess
import termios
import time

DIRECTORY = pathlib.Path(__file__).resolve().parents[3] / ".build-kubectl"
# By what the tests call it: the program, and its environment.
VARIANTS = {
    "1.20": ("kubectl-bookworm", {}),
    "1.36": ("kubectl-forky", {}),
    "1.36-spdy": ("kubectl-forky",
                  {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false", "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"}),
}


class Kubectl:
    def __init__(self, variant, api, work):
        name, environment = VARIANTS[variant]
        self.program = DIRECTORY / name
        self.variant = variant
        self.websocket = variant == "1.36"
        home = pathlib.Path(work) / "kubectl"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", **environment}
        self.options = ["--server", api.url, "--namespace", "tests", "--cache-dir", str(home / variant)]

    @property
    def is_there(self):
        return self.program.exists()

    def command(self, verb, *arguments):
        return [str(self.program), verb, *self.options, *map(str, arguments)]

    def start(self, *arguments, **streams):
        return subprocess.Popen(self.command(*arguments), env=self.environment, **streams)

    def run(self, *arguments, timeout=60, **options):
        if "stdin" not in options:
            options.setdefault("input", b"")
        if "stdout" not in options:
            options.update(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return subprocess.run(self.command(*arguments), env=self.environment, timeout=timeout, **options)

    def output(self, *arguments):
        result = self.run(*arguments)
        assert result.returncode == 0, (arguments, result.stdout[-500:], result.stderr[-500:])
        return result.stdout

    @contextlib.contextmanager
    def terminal(self, *arguments, columns=80, rows=24):
        """A kubectl at a terminal of its own."""
        master, slave = pty.openpty()
        terminal = Terminal(master)
        terminal.resize(columns, rows)
        # Not by a preexec_fn: gRPC's threads in this process do not survive what comes with one.
        command = ["setsid", "--ctty", *self.command(*arguments)]
        terminal.process = subprocess.Popen(command, env=self.environment, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        try:
            yield terminal
        finally:
            terminal.process.kill()
            terminal.process.wait()
            os.close(master)


class Terminal:
    """The other end of a program's terminal."""

    process = None

    def __init__(self, master):
        self.master = master
        self.seen = b""

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text)

    def read(self, timeout):
        """What comes next within the time; empty at the end and when nothing comes."""
        if not select.select([self.master], [], [], timeout)[0]:
            return b""
        with contextlib.suppress(OSError):  # the last process at the terminal has gone
            return os.read(self.master, 64 << 10)
        return b""

    def expect(self, what, timeout=20):
        """Reads until `what` has come, and gives everything up to its end."""
        deadline = time.monotonic() + timeout
        while what not in self.seen:
            piece = self.read(max(0, deadline - time.monotonic()))
            assert piece, f"no {what!r} in {self.seen!r}"
            self.seen += piece
        before, _, self.seen = self.seen.partition(what)
        return before + what

    def wait(self, timeout=20):
        """The exit status; reads what still comes."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"does not end: {self.seen!r}"
            self.seen += self.read(0.05)
        while piece := self.read(0):
            self.seen += piece
        return self.process.returncode
