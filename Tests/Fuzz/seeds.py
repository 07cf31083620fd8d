"""Writes inputs for the fuzzer to begin with: `seeds.py FOLDER` fills FOLDER/<target>/.

For the HTTP/2 sessions these are the raw-frame attacks of Tests/InteropTests/python and the answers
of its negative server; for the rest a few well-formed inputs. What is kept in Tests/Fuzz/corpus is
what scripts/fuzz --keep found to reach something that no other input reaches.
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "InteropTests" / "python"))

import frames  # noqa: E402
import hostile_frames  # noqa: E402
import hostile_requests  # noqa: E402
from attacker import METHOD, Attacker  # noqa: E402

SEED_BYTES_MAX = 4096
WHOLE = b"\0"  # the first byte says how the rest is cut


class Recorder(Attacker):
    """An attacker without a socket."""

    def __init__(self):
        self.codec = frames.HeaderCodec()
        self.codec.encoder.header_table_size = 0
        self.sent = []
        self.outcome = self.ended = self.broken = None

    def send(self, *pieces):
        self.sent += pieces
        if sum(map(len, self.sent)) > SEED_BYTES_MAX:
            self.broken = "enough"

    def send_body(self, stream, body, end=True, seconds=0):
        self.send(frames.frame(frames.DATA, frames.END_STREAM if end else 0, stream, body[:1024]))

    def observe(self, seconds, stream=1):
        return self

    def readable(self, seconds=0):
        return False

    def close(self):
        pass


def http2_server():
    for name, _, body in (*hostile_frames.CONNECTION, *hostile_requests.REQUESTS):
        recorder = Recorder()
        body(recorder, METHOD)
        sent = b"".join(recorder.sent).removeprefix(frames.PREFACE)
        yield name, WHOLE + sent[:SEED_BYTES_MAX]
    resets = b"".join(
        Recorder().headers(METHOD, stream=n) + frames.reset(n, frames.CANCEL)
        for n in range(1, 60, 2))
    yield "rapid_reset", WHOLE + frames.settings() + resets


def http2_client():
    codec = frames.HeaderCodec()
    ok = ((":status", "200"), ("content-type", "application/grpc"))
    begin = frames.settings((3, 100), (4, 1 << 20)) + frames.settings(ack=True)
    head = codec.headers(1, ok)
    body = frames.frame(frames.DATA, 0, 1, frames.grpc_message(b"hello"))
    padded = frames.frame(frames.DATA, frames.PADDED, 1, b"\x04hello" + bytes(4))
    tail = codec.headers(1, (("grpc-status", "0"), ("grpc-message", "fine")), end=True)
    only = codec.headers(1, (*ok, ("grpc-status", "5")), end=True)
    yield "answer", WHOLE + begin + head + body + tail
    yield "answer_cut", b"\x0b" + begin + head + body + tail
    yield "padded", WHOLE + begin + head + padded + tail
    yield "trailers_only", WHOLE + begin + only
    yield "reset", WHOLE + begin + head + frames.reset(1, frames.REFUSED_STREAM)
    yield "goaway", WHOLE + begin + frames.goaway(1, frames.NO_ERROR, b"bye") + head + body + tail
    yield "ping", WHOLE + begin + frames.ping(1) + frames.ping(1, ack=True)
    yield "informational", WHOLE + begin + codec.headers(1, ((":status", "103"),)) + head + tail
    yield "page", WHOLE + begin + codec.headers(1, ((":status", "404"),), end=True)
    yield "windows", WHOLE + begin + frames.window_update(0, 1000) + frames.window_update(1, 1)
    for name, _, build in hostile_frames.CONNECTION:
        recorder = Recorder()
        build(recorder, METHOD)
        sent = b"".join(recorder.sent).removeprefix(frames.PREFACE)
        yield name, WHOLE + begin + head + sent[:1024]


def framing():
    one, two = frames.grpc_message(b"hello"), frames.grpc_message(b"", flag=1)
    yield "two", WHOLE + one + two
    yield "cut", b"\x01" + one + two + one[:7]
    yield "flag", b"\x09" + one + frames.grpc_message(b"x", flag=7)
    yield "large", WHOLE + frames.grpc_message(b"x", length=0xFFFFFFFF)


def metadata():
    yield "timeout", b"15S"
    yield "timeout_long", b"99999999H"
    yield "percent", "caf%C3%A9 100%25 %zz %F0%9F%98%88".encode()
    yield "base64", b"q6urAA=="
    yield "lines", b"x-a-bin:q6ur,AA\nx-b: text \ngrpc-status-details-bin:CAU\n:path:/\nX:1"


TARGETS = {
    "http2-server": http2_server, "http2-client": http2_client, "framing": framing,
    "metadata": metadata}


def main():
    folder = pathlib.Path(sys.argv[1])
    for target, inputs in TARGETS.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, data in inputs():
            (folder / target / name).write_bytes(data)


if __name__ == "__main__":
    main()
