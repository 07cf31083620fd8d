"""Attacks with well-formed frames whose gRPC is wrong. The form is hostile_frames.py's."""

import zlib

import frames
from attacker import DUPLEX, EMPTY, INPUT, OUTPUT, UNARY, request_fields
from frames import DATA, END_HEADERS, END_STREAM, HEADERS, frame, grpc_message

MALFORMED = ("reset:PROTOCOL_ERROR", "goaway:PROTOCOL_ERROR", "http:400", "status:INTERNAL")
INVALID = ("status:INVALID_ARGUMENT", "status:INTERNAL")
REFUSED = (*INVALID, *MALFORMED, "reset:INTERNAL_ERROR")
CUT_SHORT = (*INVALID, "status:UNKNOWN", "status:CANCELLED", "status:UNIMPLEMENTED")
TOO_MUCH = ("status:RESOURCE_EXHAUSTED",)
HEADERS_TOO_LARGE = (
    "status:RESOURCE_EXHAUSTED", "http:431", "reset:*", "goaway:*", "closed")
UNKNOWN = ("status:UNIMPLEMENTED",)


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number, body):
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(body)) + body


def gzip(body):
    return zlib.compress(body, 9, wbits=31)


def fields(*extra, without=(), method="POST", path=None):
    """A whole call with other header fields than a good one."""
    return lambda attacker, good: attacker.start().send(
        attacker.call(path or good, EMPTY, *extra, without=without, method=method))


def listed(change):
    """A whole call whose header list was changed by hand, sent without any check."""

    def body(attacker, path):
        encoded = attacker.codec.encode(change(request_fields(path)))
        attacker.start().send(
            frame(HEADERS, END_HEADERS, 1, encoded), frame(DATA, END_STREAM, 1, EMPTY))

    return body


def message(body, *extra, path=UNARY, end=True):
    """A call of `path` with this body of the stream, at the pace of the server's windows."""

    def run(attacker, _):
        attacker.start().send(attacker.headers(path, *extra))
        attacker.send_body(1, body, end)

    return run


def large(count, path=UNARY):
    """A message of `count` bytes that respects the server's windows."""

    def run(attacker, _):
        body = grpc_message(field(3, field(2, bytes(count))))
        attacker.start().send(attacker.headers(path))
        # The first window only: a server that refuses by the length prefix needs no more.
        for at in range(0, min(len(body), 65536), 16384):
            attacker.send(frame(DATA, 0, 1, body[at:min(at + 16384, 65535)]))

    return run


def header_block(attacker, path, extra, pieces=16384):
    """A call whose header block is as large as it is: HEADERS and CONTINUATIONs."""
    encoded = attacker.codec.encode(request_fields(path, *extra))
    parts = [encoded[at:at + pieces] for at in range(0, len(encoded), pieces)]
    attacker.start()
    for at, part in enumerate(parts):
        flags = END_HEADERS if at == len(parts) - 1 else 0
        kind = frames.CONTINUATION if at else HEADERS
        attacker.send(frame(kind, flags, 1, part))
        if attacker.over:
            return
    attacker.send(frame(DATA, END_STREAM, 1, EMPTY))


def header_of_64_kib(attacker, path):
    header_block(attacker, path, [("x-large", "v" * 65536)])


def header_of_16_mib(attacker, path):
    header_block(attacker, path, [("x-large", "v" * (16 << 20))])


def ten_thousand_headers(attacker, path):
    header_block(attacker, path, [(f"x-{n}", "v") for n in range(10_000)])


def header_bomb(attacker, path):
    """4,000 bytes in the dynamic table, then 16,000 references of one byte: 64 MB of fields."""
    attacker.codec.encoder.header_table_size = 4096
    encoded = attacker.codec.encode(request_fields(path) + [("x-bomb", "x" * 4000)])
    attacker.start().send(
        frame(HEADERS, 0, 1, encoded),
        frame(frames.CONTINUATION, END_HEADERS, 1, b"\xbe" * 16000),
        frame(DATA, END_STREAM, 1, EMPTY))


def request_trailers(attacker, path):
    attacker.start().send(
        attacker.headers(path), frame(DATA, 0, 1, EMPTY),
        attacker.codec.headers(1, [("x-trailer", "1")], end=True))


def gone(path, count):
    """A client that vanishes with `count` calls under way, which is an end and no attack."""

    def run(attacker, _):
        attacker.start()
        request = grpc_message(b"".join(
            field(2, b"\x08" + varint(100_000) + b"\x10" + varint(1000)) for _ in range(50)))
        for n in range(count):
            attacker.send(
                attacker.headers(path, stream=2 * n + 1), frame(DATA, 0, 2 * n + 1, request))
        attacker.observe(0.05)
        attacker.close()
        attacker.ended, attacker.outcome = "we left", "left"

    return run


BOMB = gzip(bytes(48 << 20))
AMPLIFIER = grpc_message(b"\x12\x00" * 500_000)

REQUESTS = (
    ("name_upper_case", REFUSED, listed(lambda all: all + [("X-Upper", "1")])),
    ("name_empty", REFUSED, listed(lambda all: all + [("", "1")])),
    ("value_with_newline", REFUSED, listed(lambda all: all + [("x-a", "1\r\nb: 2")])),
    ("value_with_nul", REFUSED, listed(lambda all: all + [("x-a", "1\0002")])),
    ("pseudo_missing_method", REFUSED, listed(lambda all: all[1:])),
    ("pseudo_missing_path", REFUSED, listed(lambda all: all[:2] + all[3:])),
    ("pseudo_missing_scheme", REFUSED, listed(lambda all: all[:1] + all[2:])),
    ("pseudo_twice", REFUSED, listed(lambda all: all[:1] + all)),
    ("pseudo_unknown", REFUSED, listed(lambda all: [(":odd", "1")] + all)),
    ("pseudo_of_response", REFUSED, listed(lambda all: [(":status", "200")] + all)),
    ("pseudo_last", REFUSED, listed(lambda all: all[1:] + all[:1])),
    ("connection_field", REFUSED, listed(lambda all: all + [("connection", "close")])),
    ("te_gzip", REFUSED, listed(lambda all: all[:-1] + [("te", "gzip")])),
    # Not sent by a client of gRPC, and no server of it insists.
    ("te_missing", (*REFUSED, "status:OK"), fields(without=("te",))),
    ("length_lies", REFUSED, fields(("content-length", "4711"))),
    ("method_get", ("http:405", "http:415", *MALFORMED, *UNKNOWN), fields(method="GET")),
    ("content_type_json",
     ("http:415",), fields(("content-type", "application/json"), without=("content-type",))),
    ("content_type_missing", ("http:415",), fields(without=("content-type",))),
    ("content_type_longer",
     ("http:415",), fields(("content-type", "application/grpcx"), without=("content-type",))),
    ("content_type_grpc_proto", ("status:OK",), fields(
        ("content-type", "application/grpc+proto"), without=("content-type",))),
    ("timeout_letters", REFUSED, fields(("grpc-timeout", "abc"))),
    ("timeout_empty", REFUSED, fields(("grpc-timeout", ""))),
    ("timeout_negative", REFUSED, fields(("grpc-timeout", "-1S"))),
    ("timeout_nine_digits", REFUSED, fields(("grpc-timeout", "123456789S"))),
    ("timeout_unit_unknown", REFUSED, fields(("grpc-timeout", "1X"))),
    ("timeout_longest", ("status:OK",), fields(("grpc-timeout", "99999999H"))),
    ("timeout_zero", ("status:DEADLINE_EXCEEDED", *INVALID), fields(("grpc-timeout", "0n"))),
    ("bin_not_base64", REFUSED, fields(("x-data-bin", "%%%"))),
    ("bin_bad_length", REFUSED, fields(("x-data-bin", "A"))),
    ("bin_unpadded", ("status:OK",), fields(("x-data-bin", "q6ur"), ("y-bin", "qw"))),
    ("reserved_metadata", (*REFUSED, "status:OK"), fields(("grpc-made-up", "1"))),
    ("method_unknown", UNKNOWN, fields(path="/grpc.testing.TestService/NoSuchMethod")),
    ("service_unknown", UNKNOWN, fields(path="/no.such.Service/Method")),
    ("path_without_slash", (*UNKNOWN, *MALFORMED, "http:404"), fields(path="nonsense")),
    ("path_of_slashes", (*UNKNOWN, "http:404"), fields(path="///")),
    ("path_with_controls", (*UNKNOWN, *MALFORMED, "http:404"), fields(path="/a\x01/b\x7f")),
    ("path_of_10_kib", (*UNKNOWN, *HEADERS_TOO_LARGE), fields(path="/" + "p" * 10_000 + "/m")),
    ("encoding_unknown", UNKNOWN, message(
        grpc_message(b"", flag=1), ("grpc-encoding", "snappy"))),
    ("compressed_without_encoding", INVALID, message(grpc_message(gzip(b""), flag=1))),
    ("compressed_as_identity", INVALID, message(
        grpc_message(gzip(b""), flag=1), ("grpc-encoding", "identity"))),
    ("compressed_flag_7", INVALID, message(grpc_message(b"", flag=7))),
    ("gzip_garbage", INVALID, message(
        grpc_message(b"garbage", flag=1), ("grpc-encoding", "gzip"))),
    ("gzip_cut", INVALID, message(
        grpc_message(gzip(bytes(1000))[:-6], flag=1), ("grpc-encoding", "gzip"))),
    ("gzip_bomb", TOO_MUCH, message(grpc_message(BOMB, flag=1), ("grpc-encoding", "gzip"))),
    ("length_over_cap", TOO_MUCH, message(grpc_message(b"", length=0xFFFFFFFF), end=False)),
    ("message_over_cap", TOO_MUCH, large(64 << 20)),
    ("message_cut", CUT_SHORT, message(
        grpc_message(bytes(10), length=100))),
    ("prefix_cut", CUT_SHORT, message(b"\0\0\0")),
    ("no_message", (*INVALID, *UNKNOWN), message(b"")),
    ("two_messages", (*INVALID, *UNKNOWN), message(EMPTY + EMPTY)),
    ("protobuf_garbage", INVALID, message(grpc_message(b"\xff" * 20))),
    ("protobuf_cut", INVALID, message(grpc_message(b"\x1a\x7f\x12"))),
    ("protobuf_group", (*INVALID, "status:OK"), message(grpc_message(b"\x1b\x1c"))),
    ("protobuf_field_zero", INVALID, message(grpc_message(b"\x00\x00"))),
    ("string_bad_utf8", INVALID, message(grpc_message(field(7, b"\x08\x05" + field(2, b"\xff"))))),
    ("string_with_nul", (*INVALID, "status:NOT_FOUND"), message(
        grpc_message(field(7, b"\x08\x05" + field(2, b"a\0b"))))),
    ("amplifying_message", (*TOO_MUCH, *INVALID), message(AMPLIFIER, path=OUTPUT)),
    ("header_of_64_kib", HEADERS_TOO_LARGE, header_of_64_kib),
    ("header_of_16_mib", HEADERS_TOO_LARGE, header_of_16_mib),
    ("ten_thousand_headers", HEADERS_TOO_LARGE, ten_thousand_headers),
    ("header_bomb", HEADERS_TOO_LARGE, header_bomb),
    ("request_trailers", ("status:OK", *MALFORMED), request_trailers),
    ("gone_in_output", ("left",), gone(OUTPUT, 20)),
    ("gone_in_duplex", ("left",), gone(DUPLEX, 20)),
    ("gone_in_input", ("left",), gone(INPUT, 100)),
)
