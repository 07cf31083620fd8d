"""HTTP/2 frames by hand: for peers that break rules no library would let them break."""

import socket
import struct
import time

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
WINDOW = 65535

NAMES = (
    "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
    "WINDOW_UPDATE", "CONTINUATION")
(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE,
 CONTINUATION) = range(10)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
HAS_PRIORITY = 0x20

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS = 1, 2, 3
INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 4, 5, 6

ERRORS = (
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
    "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
    "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED")
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED,
 FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR) = range(10)


def frame(kind, flags, stream, payload=b"", length=None):
    """One frame; `length` lies about the payload when it is given."""
    count = len(payload) if length is None else length
    return struct.pack(">I", count)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(*pairs, ack=False):
    return frame(
        SETTINGS, ACK if ack else 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def reset(stream, code):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def goaway(last_stream, code, debug=b""):
    return frame(GOAWAY, 0, 0, struct.pack(">II", last_stream, code) + debug)


def ping(opaque, ack=False):
    return frame(PING, ACK if ack else 0, 0, struct.pack(">Q", opaque))


def grpc_message(body, flag=0, length=None):
    """A length-prefixed message; `length` lies when it is given."""
    return struct.pack(">BI", flag, len(body) if length is None else length) + body


def error_name(code):
    return ERRORS[code] if code < len(ERRORS) else hex(code)


def open_socket(address, timeout=5.0):
    """Connects to unix:/path, host:port or tcp://host:port."""
    address = address.removeprefix("tcp://")
    if address.startswith("unix:"):
        raw = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        raw.settimeout(timeout)
        raw.connect(address.removeprefix("unix:"))
    else:
        host, port = address.rsplit(":", 1)
        raw = socket.create_connection((host, int(port)), timeout=timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return raw


class Frame:
    """A frame as it was received."""

    __slots__ = ("kind", "flags", "stream", "payload")

    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload

    @property
    def number(self):
        """The error code or increment that the last 4 fixed bytes of some kinds hold."""
        at = 4 if self.kind == GOAWAY else 0
        return struct.unpack_from(">I", self.payload, at)[0]

    def setting_pairs(self):
        return struct.iter_unpack(">HI", self.payload)

    def content(self):
        """DATA or HEADERS without padding and priority."""
        body = self.payload
        if self.flags & PADDED:
            body = body[1:len(body) - body[0]]
        if self.kind == HEADERS and self.flags & HAS_PRIORITY:
            body = body[5:]
        return body


class Closed(Exception):
    """The peer ended the connection; the text says how."""


class FrameReader:
    """Takes frames off a socket."""

    def __init__(self, raw):
        self.raw = raw
        self.buffer = bytearray()

    def read(self, deadline):
        """The next frame, or None at the deadline (monotonic time).

        Raises `Closed` at the end of the stream.
        """
        while True:
            if len(self.buffer) >= 9:
                count = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) >= 9 + count:
                    kind, flags, stream = struct.unpack_from(">BBI", self.buffer, 3)
                    payload = bytes(self.buffer[9:9 + count])
                    del self.buffer[:9 + count]
                    return Frame(kind, flags, stream & 0x7FFFFFFF, payload)
            remaining = deadline - time.monotonic()
            if remaining <= 0 and deadline != 0:
                return None
            self.raw.settimeout(max(remaining, 0) if deadline else 0)
            try:
                received = self.raw.recv(65536)
            except (BlockingIOError, TimeoutError):
                return None
            except OSError as error:
                raise Closed(error.__class__.__name__) from None
            if not received:
                raise Closed("EOF")
            self.buffer += received


class HeaderCodec:
    """HPACK both ways of one connection, with header blocks put together from their frames."""

    def __init__(self):
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder(max_header_list_size=1 << 20)
        self.partial = None

    def encode(self, fields):
        return self.encoder.encode(fields, huffman=False)

    def headers(self, stream, fields, end=False):
        flags = END_HEADERS | (END_STREAM if end else 0)
        return frame(HEADERS, flags, stream, self.encode(fields))

    def received(self, each):
        """(fields, whether the stream ends) once a header block is complete, else None."""
        if each.kind == HEADERS:
            self.partial = (bytearray(each.content()), bool(each.flags & END_STREAM))
        elif each.kind == CONTINUATION and self.partial:
            self.partial[0].extend(each.payload)
        else:
            return None
        if not each.flags & END_HEADERS:
            return None
        block, ends = self.partial
        self.partial = None
        return self.decoder.decode(bytes(block)), ends
