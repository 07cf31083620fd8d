"""grpc.testing's messages and stubs, generated from proto/ by grpcio-tools at run time.

Generated modules are cached under .build/python-stubs by the content of the protos. They live in
the package `grpc.testing`, as the protos name it, so the folder joins grpcio's own package path.
"""

import hashlib
import importlib
import os
import pathlib
import shutil
import sys
import tempfile

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROTO_ROOT = pathlib.Path(os.environ.get("ASSAY_PROTO_ROOT", ROOT / "proto"))
FOLDERS = ("grpc/testing", "assay/options/v1")  # the second is imported by the first
CACHE = ROOT / ".build" / "python-stubs"


def _generate(protos, folder):
    """Writes the modules of `protos` into `folder`."""
    from grpc_tools import protoc

    well_known = pathlib.Path(protoc.__file__).parent / "_proto"
    status = protoc.main(
        ["protoc", f"-I{PROTO_ROOT}", f"-I{well_known}", f"--python_out={folder}",
         f"--grpc_python_out={folder}", *map(str, protos)])
    if status != 0:
        raise SystemExit(f"stubs: protoc ended with {status}")


def _generated():
    protos = sorted(
        proto for folder in FOLDERS for proto in (PROTO_ROOT / folder).glob("*.proto"))
    if not protos:
        raise SystemExit(f"stubs: no protos in {PROTO_ROOT}/grpc/testing")
    digest = hashlib.sha256(grpc.__version__.encode())
    for proto in protos:
        digest.update(proto.name.encode() + b"\0" + proto.read_bytes() + b"\0")
    folder = CACHE / digest.hexdigest()[:16]
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        scratch = pathlib.Path(tempfile.mkdtemp(dir=CACHE))
        _generate(protos, scratch)
        try:
            scratch.rename(folder)
        except OSError:  # another process was first
            shutil.rmtree(scratch)
    return folder


_folder = str(_generated())
sys.path.append(_folder)
grpc.__path__.append(f"{_folder}/grpc")

empty_pb2 = importlib.import_module("grpc.testing.empty_pb2")
messages_pb2 = importlib.import_module("grpc.testing.messages_pb2")
test_pb2 = importlib.import_module("grpc.testing.test_pb2")
test_pb2_grpc = importlib.import_module("grpc.testing.test_pb2_grpc")
