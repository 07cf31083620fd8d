"""Attacks with broken HTTP/2: each sends what RFC 9113 forbids (or, for `alive`, allows).

An attack is (name, accepted outcomes, body). The body gets an `Attacker` that has sent nothing and
the path of a method that takes an empty message.
"""

import struct

import frames
from attacker import EMPTY, request_fields
from frames import (
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PRIORITY,
    PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame)

PROTOCOL = ("goaway:PROTOCOL_ERROR", "closed")
SIZE = ("goaway:FRAME_SIZE_ERROR", "goaway:PROTOCOL_ERROR", "closed")
FLOW = ("goaway:FLOW_CONTROL_ERROR", "reset:FLOW_CONTROL_ERROR")
STREAM = (
    "goaway:STREAM_CLOSED", "goaway:PROTOCOL_ERROR", "reset:STREAM_CLOSED",
    "reset:PROTOCOL_ERROR")
HPACK = ("goaway:COMPRESSION_ERROR", "goaway:PROTOCOL_ERROR", "closed")
# A whole answer may be on its way before the rule is broken.
ANSWERED = (*STREAM, "status:OK")
REFUSED = (
    "status:RESOURCE_EXHAUSTED", "status:INVALID_ARGUMENT", "status:INTERNAL",
    "status:UNIMPLEMENTED")
IGNORED = ("alive", "status:OK")


def raw(*pieces):
    """Sends bytes in place of a preface."""
    return lambda attacker, path: attacker.send(*pieces)


def opened(*pieces):
    """Sends frames on a connection that has begun well."""
    return lambda attacker, path: attacker.start().send(*pieces)


def after_headers(*pieces, end=False):
    """Opens stream 1 with a good request, then sends frames."""
    return lambda attacker, path: attacker.start().send(
        attacker.headers(path, end=end), *pieces)


def after_call(*pieces):
    """Ends a good request on stream 1, then sends frames."""
    return lambda attacker, path: attacker.start().send(attacker.call(path), *pieces)


def with_setting(identifier, value):
    return lambda attacker, path: attacker.start((identifier, value)).send(attacker.call(path))


def block(payload, flags=END_HEADERS | END_STREAM, stream=1):
    """A header block by hand."""
    return opened(frame(HEADERS, flags, stream, payload))


def split(*between):
    """A header block in two frames with something else between them."""

    def body(attacker, path):
        encoded = attacker.codec.encode(request_fields(path))
        attacker.start().send(
            frame(HEADERS, END_STREAM, 1, encoded[:10]), *between,
            frame(CONTINUATION, END_HEADERS, 1, encoded[10:]))

    return body


def lower_stream(attacker, path):
    attacker.start().send(attacker.headers(path, stream=5), attacker.headers(path, stream=3))


def overdrawn_window(attacker, path):
    """Sends on without waiting for the server's window."""
    attacker.start().send(
        attacker.headers(path), frame(DATA, 0, 1, frames.grpc_message(b"", length=1 << 19)))
    piece = frame(DATA, 0, 1, bytes(16384))
    for _ in range(1024):
        if attacker.over or attacker.readable() and attacker.observe(0.02).outcome:
            break
        attacker.send(piece)


CONNECTION = (
    ("http1_request", PROTOCOL, raw(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")),
    ("preface_wrong", PROTOCOL, raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", frames.settings())),
    ("preface_binary", PROTOCOL, raw(bytes(range(256)))),
    ("tls_client_hello", PROTOCOL, raw(bytes.fromhex("16030100f8010000f40303") + bytes(240))),
    ("first_frame_is_ping", PROTOCOL, raw(frames.PREFACE, frames.ping(1))),
    ("first_frame_is_settings_ack", PROTOCOL, raw(frames.PREFACE, frames.settings(ack=True))),
    ("frame_over_16384", SIZE, after_headers(frame(DATA, 0, 1, bytes(16385)))),
    ("frame_claims_16_mib", SIZE, after_headers(frame(DATA, 0, 1, bytes(100), length=0xFFFFFF))),
    ("settings_of_5_bytes", SIZE, opened(frame(SETTINGS, 0, 0, bytes(5)))),
    ("settings_ack_with_payload", SIZE, opened(frame(SETTINGS, frames.ACK, 0, bytes(6)))),
    ("settings_on_a_stream", PROTOCOL, opened(frame(SETTINGS, 0, 1, b""))),
    ("settings_push_2", PROTOCOL, with_setting(frames.ENABLE_PUSH, 2)),
    ("settings_window_over_31_bits",
     ("goaway:FLOW_CONTROL_ERROR",), with_setting(frames.INITIAL_WINDOW_SIZE, 1 << 31)),
    ("settings_frame_size_small", PROTOCOL, with_setting(frames.MAX_FRAME_SIZE, 100)),
    ("settings_frame_size_huge", PROTOCOL, with_setting(frames.MAX_FRAME_SIZE, 1 << 24)),
    ("settings_unknown", IGNORED, with_setting(0xABCD, 7)),
    ("ping_of_7_bytes", SIZE, opened(frame(PING, 0, 0, bytes(7)))),
    ("ping_on_a_stream", PROTOCOL, opened(frame(PING, 0, 1, bytes(8)))),
    ("ping_ack_uninvited", IGNORED, after_call(frames.ping(99, ack=True))),
    ("goaway_on_a_stream", PROTOCOL, opened(frame(GOAWAY, 0, 1, bytes(8)))),
    ("goaway_of_3_bytes", SIZE, opened(frame(GOAWAY, 0, 0, bytes(3)))),
    ("window_update_zero", PROTOCOL, opened(frames.window_update(0, 0))),
    ("window_update_of_3_bytes", SIZE, opened(frame(WINDOW_UPDATE, 0, 0, bytes(3)))),
    ("window_update_on_idle", PROTOCOL, opened(frames.window_update(9, 1))),
    ("connection_window_overflow",
     ("goaway:FLOW_CONTROL_ERROR",), opened(frames.window_update(0, 0x7FFFFFFF))),
    ("rst_on_stream_zero", PROTOCOL, opened(frames.reset(0, 0))),
    ("rst_on_idle", PROTOCOL, opened(frames.reset(9, 0))),
    ("rst_of_3_bytes", SIZE, after_headers(frame(RST_STREAM, 0, 1, bytes(3)))),
    ("data_on_stream_zero", PROTOCOL, opened(frame(DATA, 0, 0, b"x"))),
    ("data_on_idle", (*STREAM, "closed"), opened(frame(DATA, 0, 1, b"x"))),
    ("headers_on_stream_zero", PROTOCOL, opened(frame(HEADERS, END_HEADERS, 0, b"\x82"))),
    ("headers_on_even_stream", PROTOCOL, opened(frame(HEADERS, END_HEADERS, 2, b"\x82"))),
    # Forbidden, but a server that forgets closed streams cannot tell; nghttp2 ignores it.
    ("headers_on_lower_stream", (*STREAM, "closed", "alive"), lower_stream),
    ("priority_of_4_bytes",
     (*SIZE, "reset:FRAME_SIZE_ERROR"), after_headers(frame(PRIORITY, 0, 1, bytes(4)))),
    ("priority_on_stream_zero", PROTOCOL, opened(frame(PRIORITY, 0, 0, bytes(5)))),
    ("push_promise_from_client",
     PROTOCOL, after_headers(frame(PUSH_PROMISE, END_HEADERS, 1, struct.pack(">I", 2) + b"\x82"))),
    ("continuation_alone", PROTOCOL, opened(frame(CONTINUATION, END_HEADERS, 1, b"\x82"))),
    ("headers_then_ping", PROTOCOL, split(frames.ping(1))),
    ("headers_then_data", PROTOCOL, split(frame(DATA, 0, 1, b"x"))),
    ("headers_then_other_stream", PROTOCOL, split(frame(CONTINUATION, END_HEADERS, 3, b"\x82"))),
    ("headers_split", ("status:*",), split()),
    ("data_padding_too_long", PROTOCOL, after_headers(frame(DATA, PADDED, 1, b"\xff" + bytes(9)))),
    ("headers_padding_too_long",
     PROTOCOL, block(b"\xff\x82", END_HEADERS | END_STREAM | PADDED)),
    ("headers_priority_cut", SIZE, block(b"\x00", END_HEADERS | frames.HAS_PRIORITY)),
    ("depends_on_itself",
     (*PROTOCOL, "reset:PROTOCOL_ERROR", "status:OK", "alive"),
     after_call(frame(PRIORITY, 0, 1, struct.pack(">IB", 1, 5)))),
    ("unknown_frame", IGNORED, after_call(frame(0xEE, 0xFF, 0, bytes(100)))),
    ("unknown_flags", IGNORED, after_call(frame(PING, 0xFE, 0, bytes(8)))),
    ("data_after_end", (*ANSWERED, "closed"), after_call(frame(DATA, END_STREAM, 1, EMPTY))),
    ("headers_after_end",
     (*ANSWERED, "closed"), after_call(frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82"))),
    ("stream_window_overflow", FLOW, after_headers(frames.window_update(1, 0x7FFFFFFF))),
    ("stream_window_zero",
     (*PROTOCOL, "reset:PROTOCOL_ERROR"), after_headers(frames.window_update(1, 0))),
    ("setting_overflows_stream_window",
     ("goaway:FLOW_CONTROL_ERROR", "reset:FLOW_CONTROL_ERROR"), after_headers(
         frames.window_update(1, 0x7FFFFFFF - frames.WINDOW),
         frames.settings((frames.INITIAL_WINDOW_SIZE, frames.WINDOW + 1)))),
    ("overdrawn_window", (*FLOW, *REFUSED, "reset:ENHANCE_YOUR_CALM"), overdrawn_window),
    ("hpack_index_zero", HPACK, block(b"\x80")),
    ("hpack_index_unknown", HPACK, block(b"\xff\xff\x03")),
    ("hpack_integer_overflow", HPACK, block(b"\xff" + b"\xff" * 20 + b"\x0f")),
    ("hpack_literal_cut", HPACK, block(b"\x00\x7fabc")),
    ("hpack_huffman_bad", HPACK, block(b"\x00\x84\xff\xff\xff\xff\x01a")),
    ("hpack_table_update_too_large", HPACK, block(b"\x3f\xff\xff\x7f\x82")),
    ("hpack_table_update_late", HPACK, block(b"\x82\x20")),
)
