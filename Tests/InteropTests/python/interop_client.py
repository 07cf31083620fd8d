"""Runs gRPC's interop cases against a server; one line of JSON per case.

    interop_client.py --server unix:/run/x.sock --case all
    interop_client.py --server 127.0.0.1:50051 --case large_unary --case rpc_soak=10000
    interop_client.py --server 127.0.0.1:50051 --case rpc_soak=10000 --large-every 100

Ends with 0 when every case passed, with 1 when one failed, with 2 when there is no such case.
"""

import argparse
import functools
import json
import sys
import time
import traceback

import grpc

import interop_cases as cases

CORE = {case.__name__: case for case in cases.CORE}
COUNTED = {
    "rpc_soak": (cases.rpc_soak, 10_000),
    "concurrent_large_unary": (cases.concurrent_large_unary, 1_000),
}


def parse(names, large_every):
    """(name, body of the peer) for every case named on the command line."""
    for name in names:
        bare, _, count = name.partition("=")
        if name == "all":
            yield from CORE.items()
        elif name in CORE:
            yield name, CORE[name]
        elif bare in COUNTED and (not count or count.isdecimal()):
            body, default = COUNTED[bare]
            options = {"large_every": large_every} if body is cases.rpc_soak else {}
            yield bare, functools.partial(body, count=int(count or default), **options)
        else:
            print(f"no case {name}; there are: all {' '.join([*CORE, *COUNTED])}", file=sys.stderr)
            raise SystemExit(2)


def describe(error):
    if isinstance(error, grpc.RpcError) and isinstance(error, grpc.Call):
        return f"{error.code()}: {error.details()}"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at line {frame.lineno}: {error}"


def run(name, body, peer):
    begun = time.monotonic()
    result = {"case": name, "ok": True}
    try:
        result.update(body(peer) or {})
    except (AssertionError, grpc.RpcError, ValueError, StopIteration) as error:
        result.update(ok=False, error=describe(error))
    result["ms"] = round((time.monotonic() - begun) * 1e3, 1)
    return result


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="unix:/path, host:port or tcp://host:port")
    parser.add_argument("--case", action="append", required=True)
    parser.add_argument(
        "--large-every", type=int, default=1, help="rpc_soak: only each N-th is large")
    parser.add_argument("--wait", type=float, default=10, help="seconds to wait for the server")
    arguments = parser.parse_args()
    chosen = list(parse(arguments.case, arguments.large_every))
    peer = cases.Peer(arguments.server)
    failed = 0
    try:
        grpc.channel_ready_future(peer.channel).result(timeout=arguments.wait)
    except grpc.FutureTimeoutError:
        print(json.dumps({"case": "connect", "ok": False, "error": "no server"}), flush=True)
        return 1
    for name, body in chosen:
        result = run(name, body, peer)
        failed += not result["ok"]
        print(json.dumps(result, ensure_ascii=False), flush=True)
    peer.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
