"""Messages that make no sense: the server answers each with an error or a refusal, and lives."""

import collections
import random
import socket

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor

from harness import leaks
from harness.client import SERVICES, refused
from harness.waiting import until

SEED = 20261124
UNARY = [(service.name, method.name) for service in SERVICES.values() for method in service.methods
         if not method.server_streaming]
EXPECTED = {
    "OK", "INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED", "FAILED_PRECONDITION", "ALREADY_EXISTS",
    "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "UNAVAILABLE", "INTERNAL", "UNKNOWN",
}
SCALARS = {
    FieldDescriptor.TYPE_STRING: ["", "x", "0" * 64, "/", "../..", "a:b@c", "\u0000", "ü" * 300, "x" * 70000, "-1", "k8s_"],
    FieldDescriptor.TYPE_BYTES: [b"", b"\0\xff", b"x" * 5000],
    FieldDescriptor.TYPE_BOOL: [True, False],
    FieldDescriptor.TYPE_INT32: [0, 1, -1, 2**31 - 1, -2**31],
    FieldDescriptor.TYPE_INT64: [0, 1, -1, 2**63 - 1, -2**63],
    FieldDescriptor.TYPE_UINT32: [0, 1, 2**32 - 1],
    FieldDescriptor.TYPE_UINT64: [0, 1, 2**64 - 1],
    FieldDescriptor.TYPE_DOUBLE: [0.0, float("nan"), float("inf")],
}


def message(descriptor, chance, depth=0):
    """A well-formed message with any of its fields set to something odd."""
    made = message_factory.GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if chance.random() < 0.5 or depth > 4:
            continue
        try:
            fill(made, field, chance, depth)
        except ValueError:
            pass  # a string that is not UTF-8, an enum value that Python's side refuses
    return made


def fill(made, field, chance, depth):
    if field.message_type and field.message_type.GetOptions().map_entry:
        for _ in range(chance.randrange(3)):
            getattr(made, field.name)[chance.choice(SCALARS[FieldDescriptor.TYPE_STRING])] = "v"
        return
    values = [value(field, chance, depth) for _ in range(chance.randrange(1, 3) if field.is_repeated else 1)]
    if field.message_type:
        for item in values:
            (getattr(made, field.name).add() if field.is_repeated else getattr(made, field.name)).CopyFrom(item)
    elif field.is_repeated:
        getattr(made, field.name).extend(values)
    else:
        setattr(made, field.name, values[0])


def value(field, chance, depth):
    if field.message_type:
        return message(field.message_type, chance, depth + 1)
    if field.enum_type:
        return chance.choice([0, 1, 2, 3, 99, -1])
    return chance.choice(SCALARS[field.type])


def mutated(data, chance):
    """The bytes with some flipped, cut out, doubled or put in."""
    data = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0 if data:
                data[at % len(data)] ^= 1 << chance.randrange(8)
            case 1:
                del data[at:at + chance.randrange(1, 9)]
            case 2:
                data[at:at] = data[at:at + chance.randrange(1, 20)]
            case _:
                data[at:at] = chance.randbytes(chance.randrange(1, 9))
    return bytes(data)


def send(client, service, method, payload):
    try:
        client.raw(service, method, payload)
    except grpc.RpcError as error:
        return error.code().name, error.details()
    return "OK", ""


@pytest.mark.fender
@pytest.mark.parametrize("kind", ["random bytes", "odd messages", "broken messages"])
def test_nonsense(client, server, ledger, request, kind):
    chance = random.Random(f"{SEED}{kind}")
    pid, before = server.daemon.pid, ledger.count()
    count = request.config.getoption("--fuzz") // 3
    codes, unknown = collections.Counter(), []
    for _ in range(count):
        service, method = chance.choice(UNARY)
        descriptor = SERVICES[service].methods_by_name[method].input_type
        match kind:
            case "random bytes":
                payload = chance.randbytes(chance.choice([0, 1, 2, 10, 100, 1000]))
            case "odd messages":
                payload = message(descriptor, chance).SerializeToString()
            case _:
                payload = mutated(message(descriptor, chance).SerializeToString(), chance)
        code, details = send(client, service, method, payload)
        codes[code] += 1
        assert code in EXPECTED, (method, code, payload.hex())
        if code == "UNKNOWN" and method != "PullImage":  # whose message prefixes a kubelet reads behind that code
            unknown.append((method, details[:200]))
    assert server.daemon.pid == pid and server.daemon.process.poll() is None, server.daemon.tail()
    assert client.Version().version
    assert not unknown, unknown
    for item in client.sandboxes():
        if item.created_at > 0 and item.id not in before["containers"]:
            client.StopPodSandbox(pod_sandbox_id=item.id)
            client.RemovePodSandbox(pod_sandbox_id=item.id)
    until(lambda: ledger.count()["containers"] == before["containers"], timeout=10)
    assert not leaks.difference(
        {"addresses": before["addresses"]}, {"addresses": ledger.count()["addresses"]})


@pytest.mark.fender
def test_a_thousand_calls_at_once(client, server):
    calls = [client.ListContainers.future() for _ in range(1000)]
    for call in calls:
        call.result()
    assert server.daemon.process.poll() is None


@pytest.mark.fender
def test_message_over_the_limit(client):
    with refused("RESOURCE_EXHAUSTED"):
        client.raw("RuntimeService", "Version", b"\x0a" + b"\xff\xff\xff\x08" + b"x" * (17 << 20))
    assert client.Version().version


@pytest.mark.fender
def test_bytes_that_are_no_http(client, server):
    for data in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 1000, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(server.socket))
            connection.sendall(data)
    assert client.Version().version
