"""Asks servers what a stock client would, with grpcio's own health and reflection packages.

    stock_client.py unix:/run/assay/store/1.sock [ADDRESS …]

One line of JSON per server: the services that reflection (v1 and v1alpha) lists, each one's health
by Check and by the first answer of Watch, and the methods of every service, read from the
descriptors that reflection serves and with every type of theirs resolved.
"""

import argparse
import json
import sys

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase)

DEADLINE = 10.0
STATUS = health_pb2.HealthCheckResponse.ServingStatus


def reflect(channel, version, request):
    """One question to one version of reflection; the two differ in the service's name only."""
    call = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString)
    answers = list(call(iter([request]), timeout=DEADLINE))
    assert len(answers) == 1, f"reflection {version} answered {len(answers)} times"
    return answers[0]


def listed(channel, version):
    answer = reflect(
        channel, version, reflection_pb2.ServerReflectionRequest(list_services="*"))
    return sorted(service.name for service in answer.list_services_response.service)


def refuses_unknown(channel, version):
    answer = reflect(
        channel, version,
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="no.such.Symbol"))
    return answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


def methods(pool, service):
    """The methods of `service` with the full names of what they take and give."""
    found = {}
    for method in pool.FindServiceByName(service).methods:
        for described in (method.input_type, method.output_type):
            message_factory.GetMessageClass(described)()
        found[method.name] = [method.input_type.full_name, method.output_type.full_name]
    return found


def health(channel, service):
    stub = health_pb2_grpc.HealthStub(channel)
    request = health_pb2.HealthCheckRequest(service=service)
    try:
        checked = STATUS.Name(stub.Check(request, timeout=DEADLINE).status)
    except grpc.RpcError as error:
        checked = error.code().name
    watch = stub.Watch(request, timeout=DEADLINE)
    watched = STATUS.Name(next(watch).status)
    watch.cancel()
    return {"check": checked, "watch": watched}


def ask(address):
    with grpc.insecure_channel(address.removeprefix("tcp://")) as channel:
        services = listed(channel, "v1alpha")
        pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        result = {
            "server": address,
            "services": {name: methods(pool, name) for name in services},
            "health": {name: health(channel, name) for name in ["", *services]},
            "unknown_symbol_refused": refuses_unknown(channel, "v1alpha"),
        }
        try:
            result["reflection_v1"] = listed(channel, "v1") == services
        except grpc.RpcError as error:
            result["reflection_v1"] = error.code().name
        return result


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="+")
    failed = 0
    for address in parser.parse_args().servers:
        try:
            result = {"ok": True, **ask(address)}
        except (AssertionError, KeyError, grpc.RpcError) as error:
            failed += 1
            result = {"server": address, "ok": False, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
