"""Fender's own numbers, as Prometheus scrapes them, and the alerts and the dashboard that are made of them."""

import http.client
import json
import os
import pathlib
import re
import socket
import stat

import pytest

from harness.schema import pb
from harness.waiting import until

pytestmark = pytest.mark.fender
PACKAGING = pathlib.Path(__file__).resolve().parents[2] / "packaging"
SAMPLE = re.compile(r'^([a-z_:][a-z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)$')


@pytest.fixture(scope="module")
def scrape(server, client):
    """Reads the numbers: (name, labels) to value."""
    def scrape():
        status, kind, body = ask(server, "GET", "/metrics")
        assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
        return parse(body)
    return scrape


def ask(server, method, path):
    connection = http.client.HTTPConnection("localhost", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(server.metrics))
    connection.request(method, path)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, response.headers["Content-Type"], body


def parse(text):
    samples, families = {}, set()
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in families and kind in ("counter", "gauge", "histogram")
            families.add(name)
        elif not line.startswith("# HELP "):
            name, labels, value = SAMPLE.match(line).groups()
            assert re.sub("_(bucket|sum|count)$", "", name) in families or name in families, name
            key = name, tuple(sorted(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', labels or "")))
            assert key not in samples, "a sample is there twice"
            samples[key] = float(value)
    return samples


def total(samples, name, **labels):
    return sum(value for (found, pairs), value in samples.items()
               if found == name and labels.items() <= dict(pairs).items())


@pytest.mark.docker
def test_what_a_pod_costs_is_counted(pods, scrape, network):
    before = scrape()
    pod = pods.run()
    config = pod.container(command=["/bin/sh", "-c", "echo twelve bytes; sleep 1000"])
    pod.start(config)
    until(lambda: total(scrape(), "fender_log_lines_total") > total(before, "fender_log_lines_total"))
    after = scrape()

    def more(name, **labels):
        return total(after, name, **labels) - total(before, name, **labels)

    assert more("grpc_server_handled_total", grpc_method="RunPodSandbox", grpc_code="OK") == 1
    assert more("grpc_server_handling_seconds_count", grpc_method="RunPodSandbox") == 1
    assert more("grpc_server_handling_seconds_bucket", grpc_method="RunPodSandbox", le="+Inf") == 1
    assert 0.01 < more("grpc_server_handling_seconds_sum", grpc_method="RunPodSandbox") < 60
    assert more("fender_docker_requests_total", route="POST /containers/{id}/start", status="204") == 2
    assert more("fender_cni_plugin_runs_total", verb="ADD", plugin="bridge", outcome="ok") == 1
    assert more("fender_sandboxes", state="ready") == 1
    assert more("fender_containers", state="running") == 1
    assert more("fender_log_bytes_total") >= len("2026-11-24T00:00:00.000000000Z stdout F twelve bytes\n")


def test_errors_are_counted_by_their_code(client, scrape):
    before = scrape()
    with pytest.raises(Exception):
        client.RunPodSandbox(config=pb.PodSandboxConfig())
    labels = {"grpc_method": "RunPodSandbox", "grpc_code": "InvalidArgument"}
    assert total(scrape(), "grpc_server_handled_total", **labels) == \
        total(before, "grpc_server_handled_total", **labels) + 1


def test_no_number_is_of_one_pod(pods, server):
    pod = pods.run()
    container = pod.start()
    text = ask(server, "GET", "/metrics")[2]
    assert pod.id[:12] not in text and container[:12] not in text and pod.config.metadata.name not in text


def test_the_process_is_told_truly(server, scrape):
    samples = scrape()
    status = pathlib.Path(f"/proc/{server.daemon.pid}/status").read_text()
    resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) << 10
    assert total(samples, "process_resident_memory_bytes") == pytest.approx(resident, rel=0.1)
    assert total(samples, "process_open_fds") == pytest.approx(
        len(os.listdir(f"/proc/{server.daemon.pid}/fd")), abs=5)
    if server.docker:
        assert total(samples, "fender_docker_up") == 1
        assert total(samples, "fender_reconcile_age_seconds") < 600


def test_the_socket_is_as_closed_as_the_cri(server, scrape):
    assert stat.S_IMODE(server.metrics.stat().st_mode) == stat.S_IMODE(server.socket.stat().st_mode)


@pytest.mark.parametrize("method, path, status", [("GET", "/", 404), ("PUT", "/metrics", 405), ("HEAD", "/metrics", 200)])
def test_only_a_scrape_is_answered(server, client, method, path, status):
    assert ask(server, method, path)[0] == status


@pytest.mark.docker
@pytest.mark.parametrize("file", ["prometheus/fender.rules.yml", "grafana/fender.json"])
def test_alerts_and_dashboard_name_what_is_there(pods, scrape, file):
    pods.run().start()
    text = (PACKAGING / file).read_text()
    if file.endswith("json"):
        panels = json.loads(text)["panels"]
        text = "\n".join(target["expr"] for panel in panels for target in panel["targets"])
    named = set(re.findall(r"\b(?:fender|grpc_server|process)_[a-z_]+[a-z]\b(?=[{\[( )]|$)", text, re.MULTILINE))
    assert len(named) > 5
    assert not named - {name for name, _ in scrape()}
