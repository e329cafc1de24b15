"""A CRI client that is independent of the server: every method of the schema, by its name."""

import contextlib

import grpc
import pytest
from google.protobuf import message_factory

from .schema import pb

MAX_MESSAGE = 16 << 20
SERVICES = pb.DESCRIPTOR.services_by_name


class Client:
    """`client.RunPodSandbox(config=…)` calls that method; `deadline` is the client's, in seconds."""

    def __init__(self, socket, package="runtime.v1"):
        self.package = package
        self.channel = grpc.insecure_channel(
            f"unix://{socket}",
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE),
                ("grpc.default_authority", "localhost"),
                ("grpc.enable_retries", 0),
                ("grpc.initial_reconnect_backoff_ms", 50),
                ("grpc.max_reconnect_backoff_ms", 200),
                ("grpc.use_local_subchannel_pool", 1),
            ],
        )
        for service in SERVICES.values():
            for method in service.methods:
                setattr(self, method.name, self._method(service, method))

    def _method(self, service, method):
        request = message_factory.GetMessageClass(method.input_type)
        response = message_factory.GetMessageClass(method.output_type)
        make = self.channel.unary_stream if method.server_streaming else self.channel.unary_unary
        call = make(
            f"/{self.package}.{service.name}/{method.name}",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )

        def invoke(deadline=120, **fields):
            return call(request(**fields), timeout=deadline, wait_for_ready=True)

        invoke.future = lambda **fields: call.future(request(**fields), timeout=120)
        return invoke

    def raw(self, service, method, payload, timeout=30):
        """Sends bytes that need not be a message; gives back the answer's bytes."""
        call = self.channel.unary_unary(f"/{self.package}.{service}/{method}")
        return call(payload, timeout=timeout)

    def close(self):
        self.channel.close()

    # What the tests ask for so often that it has a name.

    def sandbox_status(self, sandbox):
        return self.PodSandboxStatus(pod_sandbox_id=sandbox).status

    def status(self, container):
        return self.ContainerStatus(container_id=container).status

    def exec(self, container, *command, timeout=30):
        """The command's standard output; fails the test unless it exits with 0."""
        answer = self.ExecSync(container_id=container, cmd=command, timeout=timeout)
        assert answer.exit_code == 0, (command, answer.exit_code, answer.stdout[-500:], answer.stderr[-500:])
        return answer.stdout.decode()

    def shell(self, container, script, timeout=30):
        return self.exec(container, "/bin/sh", "-c", script, timeout=timeout)

    def containers(self, **filters):
        return list(self.ListContainers(filter=pb.ContainerFilter(**filters)).containers)

    def sandboxes(self, **filters):
        return list(self.ListPodSandbox(filter=pb.PodSandboxFilter(**filters)).items)

    def image(self, name):
        """The image's record, or None."""
        answer = self.ImageStatus(image=pb.ImageSpec(image=name))
        return answer.image if answer.HasField("image") else None


@contextlib.contextmanager
def refused(*codes, match=None):
    """The call inside must fail with one of these gRPC codes (names); with none named, with any but Unknown's kin."""
    with pytest.raises(grpc.RpcError) as caught:
        yield caught
    code = caught.value.code().name
    if codes:
        assert code in codes, (code, caught.value.details())
    if match:
        assert match.lower() in caught.value.details().lower(), caught.value.details()
