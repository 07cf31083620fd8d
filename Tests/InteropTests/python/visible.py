"""Shows which messages travelled compressed.

grpcio hides the compressed flag. With `grpc.per_message_decompression` off it hands over the
message as it was on the wire, so gzip's magic tells: no protobuf message starts with 0x1f, which
would be wire type 7.
"""

import zlib

OPTIONS = (("grpc.per_message_decompression", 0),)
MESSAGE_BYTES_MAX = 16 << 20


class Received:
    """A message and whether it came compressed."""

    def __init__(self, message, compressed):
        self.message = message
        self.compressed = compressed


def reader(message_type):
    """A deserializer of `message_type` that answers `Received`."""

    def read(data):
        compressed = data[:2] == b"\x1f\x8b"
        if compressed:
            inflater = zlib.decompressobj(wbits=31)
            data = inflater.decompress(data, MESSAGE_BYTES_MAX)
            if not inflater.eof or inflater.unused_data:
                raise ValueError("a gzip message is cut, followed by garbage, or too large")
        return Received(message_type.FromString(data), compressed)

    return read
