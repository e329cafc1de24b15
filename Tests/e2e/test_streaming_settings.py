"""The streaming server as it is told to be: TLS, limits, a proxy before it."""

import contextlib
import socket
import ssl
import subprocess
import time
from urllib.parse import urlsplit

import pytest

from harness.websocket import STDIN, STDOUT, Refused, WebSocket, code

pytestmark = pytest.mark.fender


@pytest.fixture
def configured(server, client, container):
    """Restarts the server with further flags; at the end it runs as before."""
    usual = server.daemon.command

    def configured(**flags):
        server.daemon.command = usual + [f"--streaming-{name.replace('_', '-')}={value}" for name, value in flags.items()]
        server.restart(kill=False)

    yield configured
    server.daemon.command = usual
    server.restart(kill=False)


def url_of(client, container, *command, stdin=False):
    return client.Exec(container_id=container, cmd=command, stdin=stdin, stdout=True).url


class Authority:
    """Certificates of our own making."""

    def __init__(self, directory):
        self.directory = directory
        self.certificate = directory / "ca.pem"
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=tests", "-days", "2",
                      "-keyout", directory / "ca.key", "-out", self.certificate)

    def issue(self, name, common_name):
        """Replaces NAME.pem and NAME.key as a renewal does: by rename."""
        key, request, new = (self.directory / f"{name}.{suffix}" for suffix in ("key.new", "csr", "pem.new"))
        extensions = self.directory / f"{name}.ext"
        extensions.write_text("subjectAltName = IP:127.0.0.1\n")
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={common_name}", "-keyout", key,
                      "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.directory / "ca.key",
                      "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", new)
        key.rename(self.directory / f"{name}.key")
        new.rename(self.directory / f"{name}.pem")
        return self.directory / f"{name}.pem", self.directory / f"{name}.key"

    def context(self, *own):
        context = ssl.create_default_context(cafile=self.certificate)
        if own:
            context.load_cert_chain(*own)
        return context

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def common_name(socket_):
    return dict(pair for part in socket_.socket.getpeercert()["subject"] for pair in part)["commonName"]


def test_tls_with_a_renewed_certificate(configured, client, container, tmp_path, server):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server", "first")
    configured(tls_cert=certificate, tls_key=key)
    execute = lambda *command, **options: WebSocket(
        url_of(client, container, *command, **options), "v4.channel.k8s.io", tls=authority.context())

    assert url_of(client, container, "true").startswith("https://127.0.0.1:")
    old = execute("cat", stdin=True)
    assert common_name(old) == "first"
    output = execute("sh", "-c", "head -c 20000000 /dev/zero; echo -n end")
    output = output.collect()
    assert len(output[STDOUT]) == 20000003 and code(output) == 0

    authority.issue("server", "second")
    renewed = execute("sh", "-c", "exit 7")
    assert common_name(renewed) == "second" and code(renewed.collect()) == 7
    # One whose key is not there yet, or no certificate at all, changes nothing.
    certificate.write_text("rubbish")
    assert common_name(execute("true")) == "second"
    authority.issue("server", "third")
    assert common_name(execute("true")) == "third"
    # Connections go on with what they began with.
    old.send(STDIN, b"still here\n")
    old.read_until(b"still here\n")
    old.abandon()


def test_what_is_no_tls_is_closed(configured, client, container, tmp_path):
    authority = Authority(tmp_path)
    configured(tls_cert=authority.issue("server", "server")[0], tls_key=tmp_path / "server.key")
    url = url_of(client, container, "true")
    with pytest.raises((Refused, OSError)):
        WebSocket(url.replace("https", "http"), "v4.channel.k8s.io")
    old = authority.context()
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(OSError):
        WebSocket(url, "v4.channel.k8s.io", tls=old)
    # Neither has cost the token.
    assert code(WebSocket(url, "v4.channel.k8s.io", tls=authority.context()).collect()) == 0


def test_clients_need_a_certificate(configured, client, container, tmp_path):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server", "server")
    configured(tls_cert=certificate, tls_key=key, tls_client_ca=authority.certificate)
    url = url_of(client, container, "true")
    with pytest.raises((Refused, OSError)):
        # With TLS 1.3 the server's refusal comes after the client's side of the handshake.
        WebSocket(url, "v4.channel.k8s.io", tls=authority.context())
    stranger = Authority(tmp_path_of(tmp_path, "stranger"))
    with pytest.raises((Refused, OSError)):
        context = authority.context(*stranger.issue("client", "client"))
        WebSocket(url, "v4.channel.k8s.io", tls=context)
    context = authority.context(*authority.issue("client", "client"))
    assert code(WebSocket(url, "v4.channel.k8s.io", tls=context).collect()) == 0


def tmp_path_of(parent, name):
    (parent / name).mkdir()
    return parent / name


def test_limits_and_base_url(configured, client, container):
    configured(base_url="https://proxy.example:8443/node/", bind_addr="127.0.0.1:41999", max_connections=2,
               idle_timeout="3s", creation_timeout="2s")
    url = url_of(client, container, "cat", stdin=True)
    assert url.startswith("https://proxy.example:8443/node/exec/")
    behind = lambda url: url.replace("https://proxy.example:8443/node", "http://127.0.0.1:41999")

    # Nothing comes: closed after the creation limit.
    silent = socket.create_connection(("127.0.0.1", 41999), timeout=20)
    assert silent.recv(1) == b""
    silent.close()

    first = WebSocket(behind(url), "v4.channel.k8s.io")
    second = WebSocket(behind(url_of(client, container, "cat", stdin=True)), "v4.channel.k8s.io")
    third = behind(url_of(client, container, "true"))
    with pytest.raises(Refused, match="503"):
        WebSocket(third, "v4.channel.k8s.io")
    second.abandon()
    for _ in range(10):
        # Longer than the idle limit, but never idle.
        first.send(STDIN, b"x\n")
        first.read_until(b"x\n")
        time.sleep(0.5)
    assert eventually(lambda: WebSocket(third, "v4.channel.k8s.io"))
    # Idle: closed by the server.
    while first.receive():
        pass
    first.abandon()


def eventually(connect):
    for _ in range(50):
        with contextlib.suppress(Refused):
            return code(connect().collect()) == 0
        time.sleep(0.1)
    return False
