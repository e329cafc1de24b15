"""SIGHUP: what changes at once, what waits for a restart, and what a wrong file does."""

import json
import os
import signal
import socket
import time

import pytest

from harness.waiting import until
from harness.websocket import WebSocket

pytestmark = pytest.mark.native

GOOD = """\
log_level = "debug"
streaming_idle_timeout = "4h"
streaming_max_connections = 1000
"""


@pytest.fixture
def settings(server, client, tmp_path):
    """The daemon with a settings file and somebody who hears what it tells systemd."""
    former = list(server.daemon.command), dict(server.daemon.environment)
    file = tmp_path / "config.toml"
    file.write_text(GOOD)
    notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notified.bind(str(tmp_path / "notify"))
    notified.settimeout(20)
    command = list(server.daemon.command)
    at = command.index("--log-level")
    server.daemon.command = [*command[:at], *command[at + 2:], "--config", str(file)]
    server.daemon.environment["NOTIFY_SOCKET"] = str(tmp_path / "notify")
    server.restart(kill=False)
    while b"READY=1" not in notified.recv(4096):
        pass

    class Settings:
        @staticmethod
        def reload(text):
            """Sends SIGHUP with that text in the file; gives the log's lines about it."""
            file.write_text(text)
            size = server.daemon.log.stat().st_size
            os.kill(server.daemon.pid, signal.SIGHUP)
            told = notified.recv(4096).decode().splitlines()
            assert told[0] == "RELOADING=1"
            assert 0 <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000 - int(told[1].split("MONOTONIC_USEC=")[1]) < 10**7
            assert notified.recv(4096) == b"READY=1"

            def lines():
                new = server.daemon.log.read_bytes()[size:].decode().splitlines()
                return [line for line in new if "read the settings again" in line]

            return until(lines)

    yield Settings
    server.daemon.command, server.daemon.environment = former
    server.restart(kill=False)
    notified.close()


def test_what_is_live_changes_at_once(settings, server, client, container):
    first = WebSocket(client.Exec(container_id=container, cmd=["/bin/cat"], stdin=True, stdout=True).url,
                      "v5.channel.k8s.io")
    [line] = settings.reload('log_level = "info"\nlog_format = "json"\nstreaming_idle_timeout = "1s"\n')
    told = json.loads(line)
    told = {**told, **told.get("metadata", {})}
    assert set(told["changed"].split(",")) == {"streaming-idle-timeout", "log-level", "log-format"}
    assert told["need-a-restart"] == ""
    size = server.daemon.log.stat().st_size
    client.Version()
    second = WebSocket(client.Exec(container_id=container, cmd=["/bin/cat"], stdin=True, stdout=True).url,
                       "v5.channel.k8s.io")
    began = time.monotonic()
    second.socket.settimeout(20)
    assert ended(second) and time.monotonic() - began < 15
    first.send(0, b"still\n")
    first.read_until(b"still\n")
    new = server.daemon.log.read_bytes()[size:].decode()
    assert all(json.loads(line) for line in new.splitlines()) and '"debug"' not in new


def ended(link):
    try:
        while link.receive():
            pass
    except Exception:
        pass
    return True


def test_what_is_not_waits(settings):
    [line] = settings.reload(GOOD + 'container_logs = "symlink"\nnri = true\n')
    assert "container-logs,nri" in line and "changed=" in line
    [line] = settings.reload(GOOD)
    assert "container-logs" not in line


@pytest.mark.parametrize("text", ['log_level = "error"\nno_such_setting = 1\n', 'log_level = "error"\nlog_level = ', "[x]\n",
                                  'log_level = "error"\nstreaming_tls_cert = "/x.pem"\n'])
def test_a_wrong_file_changes_nothing(settings, server, client, text):
    [line] = settings.reload(text)
    assert "keep those from before" in line and "config.toml:" in line
    size = server.daemon.log.stat().st_size
    client.Version()
    until(lambda: b"method=/runtime.v1.RuntimeService/Version" in server.daemon.log.read_bytes()[size:])
    [line] = settings.reload(GOOD)
    assert "keep" not in line
