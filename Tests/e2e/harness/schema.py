"""The messages of the CRI and of NRI, generated from Protos when the tests start."""

import importlib
import pathlib
import sys
import tempfile

from grpc_tools import protoc

PROTOS = pathlib.Path(__file__).resolve().parents[3] / "Protos"


def generate(group, *names):
    directory = tempfile.mkdtemp(prefix=f"{group}-")
    for name in names:
        arguments = ["protoc", f"-I{PROTOS}/{group}", f"--python_out={directory}", f"{name}.proto"]
        if protoc.main(arguments) != 0:
            raise RuntimeError(f"protoc rejects Protos/{group}/{name}.proto")
    sys.path.insert(0, directory)
    return [importlib.import_module(f"{name}_pb2") for name in names]


[pb] = generate("runtime", "v1")
nri, ttrpc = generate("nri", "v1alpha1", "ttrpc")
