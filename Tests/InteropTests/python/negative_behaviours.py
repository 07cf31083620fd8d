"""How negative_server.py misbehaves: gRPC's eight negative cases, then further ones of ours.

A behaviour answers complete requests and judges at the end what the connections saw.
"""

import struct
import zlib

import frames
from frames import END_HEADERS, END_STREAM, PADDED, frame

RESPONSE = (
    (":status", "200"), ("content-type", "application/grpc"), ("grpc-accept-encoding", "gzip"))
OK = (("grpc-status", "0"),)
CHUNK = 16384


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def response_size(body):
    """`response_size` of the SimpleRequest in a gRPC body: field 2, a varint."""
    at, end = 5, len(body)

    def number():
        nonlocal at
        value = shift = 0
        while at < end:
            byte = body[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        return value

    while at < end:
        key = number()
        if key & 7 == 0:
            value = number()
            if key >> 3 == 2:
                return value
        else:
            at += number()
    return 0


def simple_response(size):
    """A SimpleResponse whose payload is `size` zero bytes, as a length-prefixed message."""
    payload = b"\x12" + varint(size) + bytes(size) if size else b""
    return frames.grpc_message(b"\x0a" + varint(len(payload)) + payload)


def data(stream, body, end=False):
    pieces = [body[at:at + CHUNK] for at in range(0, len(body), CHUNK)] or [b""]
    return [
        frame(frames.DATA, END_STREAM if end and at == len(pieces) - 1 else 0, stream, piece)
        for at, piece in enumerate(pieces)]


class Behaviour:
    """Answers every call as a good server would."""

    settings = ()
    is_silent = False

    def connected(self, connection):
        """A client was accepted; nothing was read."""

    def opened(self, connection):
        """The client's preface came."""
        connection.send(
            frames.settings(*self.settings), frames.window_update(0, (1 << 24) - frames.WINDOW))

    def request_begun(self, connection, stream):
        pass

    def request_complete(self, connection, stream, body):
        self.answer(connection, stream, body)

    def answer(self, connection, stream, body):
        connection.queue(
            stream, connection.codec.headers(stream, RESPONSE),
            *data(stream, simple_response(response_size(body))),
            connection.codec.headers(stream, OK, end=True))

    def problems(self, seen):
        return []


class GoAway(Behaviour):
    """Refuses further streams with the first call; the second needs a new connection."""

    def request_complete(self, connection, stream, body):
        if connection.index == 0:
            connection.send(frames.goaway(stream, frames.NO_ERROR))
        self.answer(connection, stream, body)

    def problems(self, seen):
        calls = [each["calls"] for each in seen]
        return [] if calls == [1, 1] else [f"calls on the connections are {calls}, not [1, 1]"]


class ResetAfterHeader(Behaviour):
    share = None

    def request_complete(self, connection, stream, body):
        message = simple_response(response_size(body))
        pieces = [] if self.share is None else data(stream, message[:len(message) // self.share])
        connection.queue(
            stream, connection.codec.headers(stream, RESPONSE), *pieces,
            frames.reset(stream, frames.NO_ERROR))


class ResetDuringData(ResetAfterHeader):
    share = 2


class ResetAfterData(ResetAfterHeader):
    share = 1


class Ping(Behaviour):
    """Pings before and after the headers and the data, with 8 more between the data."""

    def request_complete(self, connection, stream, body):
        pieces = data(stream, simple_response(response_size(body)))
        spread = [each for piece in pieces[:8] for each in (connection.ping(), piece)]
        connection.queue(
            stream, connection.ping(), connection.codec.headers(stream, RESPONSE), *spread,
            *pieces[8:], connection.ping(), connection.codec.headers(stream, OK, end=True),
        )
        connection.send(connection.ping())

    def problems(self, seen):
        found = []
        for each in seen:
            if each["pings_outstanding"] != 0:
                found.append(f"{each['pings_outstanding']} pings without an answer")
            if each["calls"] and not each["pings_sent"]:
                found.append("no ping was sent")
        return found


class MaxStreams(Behaviour):
    """Allows one stream at a time once the first call showed that the client listens."""

    settings = ((frames.MAX_CONCURRENT_STREAMS, 1),)

    def request_begun(self, connection, stream):
        if len(connection.streams) > 1 and connection.seen["settings_acknowledged"]:
            connection.violation(f"{len(connection.streams)} streams at once, 1 is allowed")

    def problems(self, seen):
        calls = sum(each["calls"] for each in seen)
        return [] if len(seen) == 1 else [f"{len(seen)} connections for {calls} calls, not 1"]


class SmallFrames(Behaviour):
    """Sends the response 5 bytes a frame, padded or not."""

    padding = 0

    def request_complete(self, connection, stream, body):
        message = simple_response(response_size(body))
        pad = bytes([self.padding]) if self.padding else b""
        flags = PADDED if self.padding else 0
        pieces = [
            frame(frames.DATA, flags, stream, pad + message[at:at + 5] + bytes(self.padding))
            for at in range(0, len(message), 5)]
        connection.queue(
            stream, connection.codec.headers(stream, RESPONSE), *pieces,
            connection.codec.headers(stream, OK, end=True))


class PaddedFrames(SmallFrames):
    padding = 255


# Further cases.


class RefusedStream(Behaviour):
    """Refuses the first stream unprocessed: a client may try again by itself."""

    def request_complete(self, connection, stream, body):
        if connection.index == 0 and connection.seen["calls"] == 1:
            connection.queue(stream, frames.reset(stream, frames.REFUSED_STREAM))
        else:
            self.answer(connection, stream, body)


class GoAwayUnprocessed(Behaviour):
    """Says of the first connection that none of its streams was processed, and closes it."""

    def request_complete(self, connection, stream, body):
        if connection.index:
            self.answer(connection, stream, body)
        else:
            connection.send(frames.goaway(0, frames.NO_ERROR))
            raise frames.Closed("by the case")


class CloseEverything(Behaviour):
    """Closes every connection at once, so that reconnecting backs off."""

    def connected(self, connection):
        raise frames.Closed("by the case")


class Silence(Behaviour):
    """Accepts, reads and never says a word."""

    is_silent = True


class Garbage(Behaviour):
    """Answers in HTTP/1."""

    def opened(self, connection):
        connection.send(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\nwrong door\r\n")


class Fixed(Behaviour):
    """Answers every call with the headers, body and trailers of the class."""

    headers = RESPONSE
    body = b""
    trailers = OK

    def request_complete(self, connection, stream, body):
        pieces = [connection.codec.headers(stream, self.headers, end=self.trailers is None)]
        if self.trailers is not None:
            pieces += data(stream, self.body)
            pieces.append(connection.codec.headers(stream, self.trailers, end=True))
        connection.queue(stream, *pieces)


class TrailersOnly(Fixed):
    headers = RESPONSE + (("grpc-status", "9"), ("grpc-message", "caf%C3%A9 100%25 %zz"))
    trailers = None


class NoStatus(Fixed):
    body = simple_response(10)
    trailers = (("x-other", "1"),)


class OddStatus(Fixed):
    body = simple_response(10)
    trailers = (("grpc-status", "4711"),)


class NoMessage(Fixed):
    pass


class TwoMessages(Fixed):
    body = simple_response(10) * 2


class CutMessage(Fixed):
    body = simple_response(1000)[:-100]


class EndsWithoutTrailers(Behaviour):
    def request_complete(self, connection, stream, body):
        connection.queue(
            stream, connection.codec.headers(stream, RESPONSE),
            *data(stream, simple_response(10), end=True))


class OverlongMessage(Fixed):
    body = frames.grpc_message(bytes(1000), length=0xFFFFFFFF)


class BadProtobuf(Fixed):
    body = frames.grpc_message(b"\x0a\xff\xff\xff\xff\x0f")


class CompressedWithoutEncoding(Fixed):
    body = frames.grpc_message(zlib.compress(b"", wbits=31), flag=1)


class GzipBomb(Fixed):
    headers = RESPONSE + (("grpc-encoding", "gzip"),)
    body = frames.grpc_message(zlib.compress(bytes(256 << 20), 9, wbits=31), flag=1)


class UnknownEncoding(Fixed):
    headers = RESPONSE + (("grpc-encoding", "snappy"),)
    body = frames.grpc_message(b"\x00", flag=1)


class Page(Fixed):
    headers = ((":status", "503"), ("content-type", "text/html"))
    body = b"<h1>busy</h1>"
    trailers = ()

    def request_complete(self, connection, stream, body):
        connection.queue(
            stream, connection.codec.headers(stream, self.headers),
            *data(stream, self.body, end=True))


class NotFound(Page):
    headers = ((":status", "404"), ("content-type", "text/html"))


class HeaderBomb(Fixed):
    """One indexed field, 4,000 bytes long, three thousand times over."""

    def request_complete(self, connection, stream, body):
        block = connection.codec.encode(RESPONSE + (("x-bomb", "x" * 4000),))
        repeats = b"\xbe" * 3000  # the newest entry of the dynamic table
        connection.send(frame(frames.HEADERS, END_HEADERS, stream, block + repeats))


class ContinuationFlood(Fixed):
    def request_complete(self, connection, stream, body):
        connection.send(frame(frames.HEADERS, 0, stream, connection.codec.encode(RESPONSE)))
        for _ in range(100_000):
            connection.send(frame(frames.CONTINUATION, 0, stream, b""))


class PingFlood(Fixed):
    """Pings without reading the answers."""

    def request_complete(self, connection, stream, body):
        block = b"".join(frames.ping(n) for n in range(1000))
        for _ in range(1000):
            connection.send(block)


class WindowOverflow(Fixed):
    def request_complete(self, connection, stream, body):
        connection.send(frames.window_update(0, 0x7FFFFFFF), frames.window_update(0, 0x7FFFFFFF))


class UninvitedPush(Fixed):
    def request_complete(self, connection, stream, body):
        promised = struct.pack(">I", 2) + connection.codec.encode(RESPONSE)
        connection.send(frame(frames.PUSH_PROMISE, END_HEADERS, stream, promised))


NEGATIVE = {
    "goaway": GoAway, "rst_after_header": ResetAfterHeader, "rst_during_data": ResetDuringData,
    "rst_after_data": ResetAfterData, "ping": Ping, "max_streams": MaxStreams,
    "data_frame_padding": PaddedFrames, "no_df_padding_sanity_test": SmallFrames}
FURTHER = {
    "refused_stream": RefusedStream, "goaway_unprocessed": GoAwayUnprocessed,
    "backoff": CloseEverything, "silence": Silence, "garbage": Garbage,
    "trailers_only": TrailersOnly, "no_status": NoStatus, "odd_status": OddStatus,
    "no_message": NoMessage, "two_messages": TwoMessages, "cut_message": CutMessage,
    "ends_without_trailers": EndsWithoutTrailers, "overlong_message": OverlongMessage,
    "bad_protobuf": BadProtobuf, "compressed_without_encoding": CompressedWithoutEncoding,
    "gzip_bomb": GzipBomb, "unknown_encoding": UnknownEncoding, "http_503": Page,
    "http_404": NotFound, "header_bomb": HeaderBomb, "continuation_flood": ContinuationFlood,
    "ping_flood": PingFlood, "window_overflow": WindowOverflow, "push": UninvitedPush}
BEHAVIOURS = {**NEGATIVE, **FURTHER}
