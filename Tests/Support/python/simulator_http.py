"""The simulator's HTTP, seen from a socket: what it takes, and what it refuses.

usage: simulator_http.py HOST PORT UNIX_PATH
"""

import json
import sys

from simulator_wire import HEADERS, Simulator, body_of, check, run

simulator = Simulator(sys.argv[1], int(sys.argv[2]))
local = Simulator(None, None, path=sys.argv[3])
cases = []


def case(function):
    cases.append(function)
    return function


@case
def connections_are_kept_and_pipelined():
    for server in (simulator, local):
        with server.connect() as connection:
            one = Simulator.request("POST", "/v1/messages", body_of())
            for _ in range(3):
                connection.sendall(one)
                check(Simulator.read(connection).status == 200)
            connection.sendall(one + one + Simulator.request("GET", "/healthz"))
            raw = b""
            while b'{"status":"ok"}' not in raw:
                raw += connection.recv(1 << 16)
            check(raw.count(b"HTTP/1.1 200 OK") == 3, raw)


@case
def bodies_come_in_chunks_and_in_bytes():
    body = json.dumps(body_of()).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    start = f"POST /v1/messages HTTP/1.1\r\nhost: x\r\n{head}".encode()
    chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (1, body[i : i + 1]) for i in range(len(body)))
    with simulator.connect() as connection:
        message = start + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
        message += b"0\r\nx: y\r\n\r\n"
        for index in range(0, len(message), 7):
            connection.sendall(message[index : index + 7])
        check(Simulator.read(connection).status == 200)
        length = b"content-length: %d\r\nexpect: 100-continue\r\n\r\n" % len(body)
        connection.sendall(start + length)
        check(connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(body)
        check(Simulator.read(connection).status == 200)


@case
def what_is_no_http_is_refused():
    length = b"POST / HTTP/1.1\r\ncontent-length: "
    for message, status in [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\na b: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n folded\r\n\r\n", 400),
        (length + b"+5\r\n\r\nabcde", 400),
        (length + b"5\r\ncontent-length: 5\r\n\r\nabcde", 400),
        (length + b"5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (length + b"99999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\na: " + b"b" * 70_000, 431),
    ]:
        with simulator.connect() as connection:
            connection.sendall(message)
            reply = Simulator.read(connection)
            check(reply.status == status, (message[:60], reply.raw))
            check(Simulator.read(connection, silence=5).ending == "closed", "not closed")


run(cases, simulator.reset)
