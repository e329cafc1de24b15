"""The CRI's messages, generated from Protos when the tests start."""

import pathlib
import sys
import tempfile

from grpc_tools import protoc

PROTOS = pathlib.Path(__file__).resolve().parents[3] / "Protos"


def generate():
    directory = tempfile.mkdtemp(prefix="cri-")
    arguments = ["protoc", f"-I{PROTOS}/runtime", f"--python_out={directory}", "v1.proto"]
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc rejects Protos/runtime/v1.proto")
    sys.path.insert(0, directory)
    import v1_pb2

    return v1_pb2


pb = generate()
