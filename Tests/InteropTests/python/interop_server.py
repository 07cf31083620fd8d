"""grpc.testing.TestService on grpcio: the peer that our client is tested against.

Prints one line of JSON with the bound address, serves until its standard input ends or SIGTERM.
Health and reflection are grpcio's own, so that stock clients can be proven against it too.
"""

import argparse
import json
import os
import signal
import threading
import time
from concurrent import futures

import grpc
from google.protobuf import message_factory
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from stubs import empty_pb2, messages_pb2, test_pb2
from visible import OPTIONS, reader

SERVICE = "grpc.testing.TestService"
ECHO_INITIAL = "x-grpc-test-echo-initial"
ECHO_TRAILING = "x-grpc-test-echo-trailing-bin"
THREADS = 64


def zeros(count):
    return messages_pb2.Payload(body=bytes(count))


def echo_metadata(context):
    for key, value in context.invocation_metadata():
        if key == ECHO_INITIAL:
            context.send_initial_metadata(((key, value),))
        elif key == ECHO_TRAILING:
            context.set_trailing_metadata(((key, value),))


def echo_status(request, context):
    """Ends the call with the status that the request asks for, OK included."""
    if request.HasField("response_status"):
        status = request.response_status
        code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
        if code is not grpc.StatusCode.OK:
            context.abort(code, status.message)


def check_compression(received, context):
    """Refuses a request that did not travel the way it says."""
    expected = received.message
    if expected.HasField("expect_compressed"):
        if expected.expect_compressed.value != received.compressed:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"compressed is {received.compressed}, the request says otherwise")


def answers(request, context):
    """The responses that one streaming request asks for, each after its interval."""
    for parameters in request.response_parameters:
        if parameters.interval_us > 0:
            time.sleep(parameters.interval_us / 1e6)
        if not parameters.compressed.value:
            context.disable_next_message_compression()
        yield messages_pb2.StreamingOutputCallResponse(payload=zeros(parameters.size))


def empty_call(received, context):
    echo_metadata(context)
    return empty_pb2.Empty()


def unary_call(received, context):
    request = received.message
    check_compression(received, context)
    if request.response_compressed.value:
        context.set_compression(grpc.Compression.Gzip)
    echo_metadata(context)
    echo_status(request, context)
    return messages_pb2.SimpleResponse(payload=zeros(request.response_size))


def cacheable_unary_call(received, context):
    context.send_initial_metadata((("cache-control", "max-age=60, public"),))
    now = str(time.time_ns()).encode()
    return messages_pb2.SimpleResponse(payload=messages_pb2.Payload(body=now))


def streaming_output_call(received, context):
    if any(each.compressed.value for each in received.message.response_parameters):
        context.set_compression(grpc.Compression.Gzip)
    echo_metadata(context)
    echo_status(received.message, context)
    yield from answers(received.message, context)


def streaming_input_call(stream, context):
    echo_metadata(context)
    total = 0
    for received in stream:
        check_compression(received, context)
        total += len(received.message.payload.body)
    return messages_pb2.StreamingInputCallResponse(aggregated_payload_size=total)


def full_duplex_call(stream, context):
    # Compression is settled by the initial metadata, before any message asks for it.
    context.set_compression(grpc.Compression.Gzip)
    echo_metadata(context)
    for received in stream:
        echo_status(received.message, context)
        yield from answers(received.message, context)


def half_duplex_call(stream, context):
    context.set_compression(grpc.Compression.Gzip)
    echo_metadata(context)
    for received in list(stream):
        echo_status(received.message, context)
        yield from answers(received.message, context)


def handlers():
    """Every method of TestService but UnimplementedCall, which must stay unknown."""
    table = {
        "EmptyCall": (grpc.unary_unary_rpc_method_handler, empty_call),
        "UnaryCall": (grpc.unary_unary_rpc_method_handler, unary_call),
        "CacheableUnaryCall": (grpc.unary_unary_rpc_method_handler, cacheable_unary_call),
        "StreamingOutputCall": (grpc.unary_stream_rpc_method_handler, streaming_output_call),
        "StreamingInputCall": (grpc.stream_unary_rpc_method_handler, streaming_input_call),
        "FullDuplexCall": (grpc.stream_stream_rpc_method_handler, full_duplex_call),
        "HalfDuplexCall": (grpc.stream_stream_rpc_method_handler, half_duplex_call),
    }
    described = test_pb2.DESCRIPTOR.services_by_name["TestService"].methods_by_name
    made = {}
    for name, (make, body) in table.items():
        request_type = message_factory.GetMessageClass(described[name].input_type)
        made[name] = make(body, reader(request_type), lambda message: message.SerializeToString())
    return grpc.method_handlers_generic_handler(SERVICE, made)


def serve(address):
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=THREADS),
        options=(("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 16 << 20), *OPTIONS))
    server.add_generic_rpc_handlers((handlers(),))
    health_servicer = health.HealthServicer()
    health_servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    health_servicer.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    reflection.enable_server_reflection(
        (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    port = server.add_insecure_port(address)
    server.start()
    if address.startswith("unix:"):
        return server, address
    return server, f"{address.rsplit(':', 1)[0]}:{port}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="127.0.0.1:0", help="unix:/path or host:port")
    arguments = parser.parse_args()
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    signal.signal(signal.SIGINT, lambda *_: done.set())
    server, bound = serve(arguments.address)
    print(json.dumps({"address": bound, "peer": f"grpcio {grpc.__version__}"}), flush=True)

    def watch_input():
        while os.read(0, 4096):  # not sys.stdin: its lock would be held at exit
            pass
        done.set()

    threading.Thread(target=watch_input, daemon=True).start()
    done.wait()
    server.stop(grace=0.2).wait()


if __name__ == "__main__":
    main()
