"""gRPC's negative cases from the client's side, on grpcio: the proof of negative_server.py.

    negative_client.py --server unix:/tmp/n.sock --case goaway

One line of JSON: how each call of the case ended, and whether it had to end so.
"""

import argparse
import json
import sys
import time

import grpc

from interop_cases import LARGE_RESPONSE, MESSAGE_LIMITS, check_zeros, large_request
from stubs import test_pb2_grpc

# What the last call must end with; None is success. Where gRPC settles no code, any failure.
FAILS = "any failure"
EXPECTED = {
    "goaway": None, "rst_after_header": FAILS, "rst_during_data": FAILS, "rst_after_data": FAILS,
    "ping": None, "max_streams": None, "data_frame_padding": None,
    "no_df_padding_sanity_test": None, "refused_stream": None, "goaway_unprocessed": None,
    "backoff": "UNAVAILABLE", "silence": "DEADLINE_EXCEEDED", "garbage": "UNAVAILABLE",
    "trailers_only": "FAILED_PRECONDITION", "no_status": "UNKNOWN", "odd_status": "UNKNOWN",
    "no_message": FAILS, "two_messages": FAILS, "cut_message": FAILS,
    "ends_without_trailers": FAILS, "overlong_message": "RESOURCE_EXHAUSTED",
    "bad_protobuf": "INTERNAL", "compressed_without_encoding": "INTERNAL",
    "gzip_bomb": "RESOURCE_EXHAUSTED", "unknown_encoding": FAILS, "http_503": "UNAVAILABLE",
    "http_404": "UNIMPLEMENTED", "header_bomb": "RESOURCE_EXHAUSTED",
    "continuation_flood": FAILS, "ping_flood": FAILS, "window_overflow": FAILS, "push": FAILS}
# Where grpcio 1.85 does not do what it should, so that this proof says what it does instead:
# its core knows no padded DATA, a response without a whole message is None with OK, and a refused
# stream is not repeated.
GRPCIO_ENDS = {
    "data_frame_padding": "INTERNAL", "no_message": "NOTHING", "cut_message": "NOTHING",
    "refused_stream": "UNAVAILABLE"}
# A client may repeat these by itself; grpcio keeps at most 256 KiB of a request for it.
REPEATED = ("refused_stream", "goaway_unprocessed")


def call(stub, request, deadline):
    """One call that asks for a large response, as the status that it ended with."""
    try:
        response = stub.UnaryCall(request, timeout=deadline)
    except grpc.RpcError as error:
        return error.code().name, error.details()
    if response is None:
        return "NOTHING", ""
    check_zeros(response, LARGE_RESPONSE)
    return None, ""


def run(case, stub, deadline):
    request = large_request()
    if case in REPEATED:
        request.payload.body = b""
    ends = [call(stub, request, deadline)]
    if case == "goaway":
        time.sleep(1)  # as the case is written: the GOAWAY may come after the answer
        ends.append(call(stub, request, deadline))
    if case == "max_streams":
        futures = [stub.UnaryCall.future(request, timeout=deadline) for _ in range(10)]
        for future in futures:
            check_zeros(future.result(), LARGE_RESPONSE)
    if case == "ping":
        time.sleep(0.2)
    return ends


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--case", required=True, choices=sorted(EXPECTED))
    parser.add_argument("--deadline", type=float, default=3)
    arguments = parser.parse_args()
    channel = grpc.insecure_channel(
        arguments.server.removeprefix("tcp://"), options=MESSAGE_LIMITS)
    deadline = arguments.deadline
    begun = time.monotonic()
    ends = run(arguments.case, test_pb2_grpc.TestServiceStub(channel), deadline)
    channel.close()
    expected = GRPCIO_ENDS.get(arguments.case, EXPECTED[arguments.case])
    code, details = ends[-1]
    ok = code is not None if expected is FAILS else code == expected
    print(json.dumps({
        "case": arguments.case, "ok": ok, "ended": code or "OK", "expected": expected or "OK",
        "details": details[:200], "ms": round((time.monotonic() - begun) * 1e3)}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
