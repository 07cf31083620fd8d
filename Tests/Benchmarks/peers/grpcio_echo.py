"""A unary echo on grpcio, the peer of rpc.calls_per_cpu_vs_grpcio: bytes in, the same bytes out.

    grpcio_echo.py server unix:/tmp/x.sock
    grpcio_echo.py client unix:/tmp/x.sock IN_FLIGHT SECONDS PAYLOAD_BYTES

The server runs on threads and the client on asyncio: of the four pairs the one with the most calls
per CPU-second (4,300 to 5,000 here; both on asyncio 3,500 to 4,000, both on threads 2,700 to
3,900). Neither parses a message, which favours them. Each prints one line of JSON; a server ends by
SIGTERM.
"""

import argparse
import asyncio
import json
import resource
import signal
import time
from concurrent import futures

import grpc

METHOD = "/grpc.testing.TestService/UnaryCall"
WARM_UP_SECONDS = 0.3


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def handler(body):
    method = grpc.unary_unary_rpc_method_handler(body)
    return grpc.method_handlers_generic_handler("grpc.testing.TestService", {"UnaryCall": method})


def serve(address):
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    server.add_generic_rpc_handlers((handler(lambda request, context: request),))
    server.add_insecure_port(address)
    server.start()
    print(json.dumps({"address": address}), flush=True)
    signal.sigwait({signal.SIGTERM})
    server.stop(0)


class Measure:
    """Counts the calls that lie within the measured time."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.begins = time.monotonic() + WARM_UP_SECONDS
        self.ends = self.begins + seconds
        self.all_calls = 0
        self.times = []
        self.cpu = None

    def done(self, begun):
        now = time.monotonic()
        self.all_calls += 1
        if self.cpu is None and now >= self.begins:
            self.cpu = cpu_seconds()
        if begun >= self.begins and now <= self.ends:
            self.times.append(now - begun)
        return now < self.ends

    def report(self):
        cpu = cpu_seconds() - self.cpu
        times = sorted(self.times)
        return {
            "calls": len(times), "all_calls": self.all_calls, "failed": 0, "seconds": self.seconds,
            "p50_us": round(times[len(times) // 2] * 1e6, 1),
            "p99_us": round(times[len(times) * 99 // 100] * 1e6, 1),
            "calls_per_s": round(len(times) / self.seconds), "cpu_s": round(cpu, 4),
            "cpu_us_per_call": round(cpu * 1e6 / len(times), 2)}


async def call(address, in_flight, seconds, request):
    async with grpc.aio.insecure_channel(address) as channel:
        echo = channel.unary_unary(METHOD)
        await channel.channel_ready()
        measure = Measure(seconds)

        async def lane():
            begun = time.monotonic()
            while True:
                if await echo(request) != request:
                    raise SystemExit("the echo differs")
                if not measure.done(begun):
                    return
                begun = time.monotonic()

        await asyncio.gather(*(lane() for _ in range(in_flight)))
        return measure.report()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    roles = parser.add_subparsers(dest="role", required=True)
    roles.add_parser("server").add_argument("address")
    client = roles.add_parser("client")
    client.add_argument("address")
    client.add_argument("in_flight", type=int)
    client.add_argument("seconds", type=float)
    client.add_argument("payload", type=int)
    arguments = parser.parse_args()
    if arguments.role == "server":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # threads to come inherit it
        serve(arguments.address)
    else:
        report = asyncio.run(call(
            arguments.address, arguments.in_flight, arguments.seconds, bytes(arguments.payload)))
        print(json.dumps(report))


if __name__ == "__main__":
    main()
