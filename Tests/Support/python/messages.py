"""Python's protobuf as the independent reader and writer of our messages.

Reads commands from standard input and answers each on standard output. A command is one letter,
a 4-byte little-endian length and that many bytes; an answer is one byte, 1 or 0, a length and
bytes. The types come from the descriptor set that our generator made.

  D  takes a FileDescriptorSet: the types from here on
  T  takes a type's name: the type from here on
  G  takes an 8-byte seed and gives a random message
  R  takes a message and gives it back without unknown fields, maps in order; 0: refused
  J  takes a message and gives its JSON; 0: refused
  K  takes JSON and gives the message; 0: refused
"""

import random
import struct
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

INTEGERS = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}


def integer(rng, low, high):
    """Every length of varint, and the ends of the range."""
    choice = rng.randrange(4)
    if choice == 0:
        return rng.choice([low, high, 0, 1, max(low, -1)])
    if choice == 1:
        return rng.randint(low, high)
    value = rng.randrange(1 << rng.randint(1, 63))
    return max(low, min(high, value if rng.randrange(2) else -value))


def text(rng):
    pieces = ["", "a", "\0", "é", "日本", "\U0001f333", "\U0010ffff", "plain text ", "\x7f", '"\\']
    return "".join(rng.choice(pieces) for _ in range(rng.randrange(6)))


def floating(rng, single):
    value = rng.choice(
        [0.0, 1.0, -1.5, 0.1, 1e30, -1e-30, float("inf"), float("-inf"), float("nan"), rng.random()]
    )
    return struct.unpack("<f", struct.pack("<f", value))[0] if single else value


def scalar(rng, field):
    if field.enum_type is not None:
        named = rng.choice(field.enum_type.values).number
        return rng.choice([named, named, 12345, -(2**31)])
    kinds = {
        field.CPPTYPE_INT32: "int32",
        field.CPPTYPE_INT64: "int64",
        field.CPPTYPE_UINT32: "uint32",
        field.CPPTYPE_UINT64: "uint64",
    }
    if field.cpp_type in kinds:
        return integer(rng, *INTEGERS[kinds[field.cpp_type]])
    if field.cpp_type == field.CPPTYPE_BOOL:
        return bool(rng.randrange(2))
    if field.cpp_type == field.CPPTYPE_STRING:
        if field.type == field.TYPE_BYTES:
            return rng.randbytes(rng.randrange(20))
        return text(rng)
    return floating(rng, field.cpp_type == field.CPPTYPE_FLOAT)


def is_map(field):
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def fill_map(rng, value, field):
    key_field = field.message_type.fields_by_name["key"]
    value_field = field.message_type.fields_by_name["value"]
    for _ in range(rng.randrange(4)):
        key = scalar(rng, key_field)
        if value_field.message_type is not None:
            fill(rng, value[key])
        else:
            value[key] = scalar(rng, value_field)


def fill_special(rng, message):
    """Only what has a JSON form: the ranges of the well-known types."""
    name = message.DESCRIPTOR.full_name
    if name == "google.protobuf.Timestamp":
        message.seconds = rng.choice([0, -62135596800, 253402300799, rng.randint(-(10**9), 10**10)])
        message.nanos = rng.choice([0, 1, 1000, 5000000, 999999999])
    elif name == "google.protobuf.Duration":
        sign = rng.choice([1, -1])
        message.seconds = sign * rng.choice([0, 1, 315576000000])
        message.nanos = sign * rng.choice([0, 1, 2000, 3000000, 999999999])
    elif name == "google.protobuf.Any":
        inner = new_message("assay.testing.v1.Leaf")
        fill(rng, inner)
        message.Pack(inner)
    else:
        return False
    return True


def fill(rng, message):
    if fill_special(rng, message):
        return
    chosen = {oneof.name: rng.choice(oneof.fields) for oneof in message.DESCRIPTOR.oneofs}
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if rng.random() < 0.6 or (oneof is not None and chosen[oneof.name] is not field):
            continue
        if is_map(field):
            fill_map(rng, getattr(message, field.name), field)
        elif field.is_repeated:
            value = getattr(message, field.name)
            for _ in range(rng.randrange(4)):
                if field.message_type is not None:
                    fill(rng, value.add())
                else:
                    value.append(scalar(rng, field))
        elif field.message_type is not None:
            getattr(message, field.name).SetInParent()
            fill(rng, getattr(message, field.name))
        else:
            setattr(message, field.name, scalar(rng, field))


pool = descriptor_pool.DescriptorPool()
type_name = ""


def new_message(name=None):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name or type_name))()


def parsed(payload):
    message = new_message()
    message.ParseFromString(payload)
    message.DiscardUnknownFields()
    return message


def answer(command, payload):
    global pool, type_name
    if command == b"D":
        pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(payload).file:
            pool.Add(file)
        return b""
    if command == b"T":
        type_name = payload.decode()
        return b""
    if command == b"G":
        message = new_message()
        fill(random.Random(payload), message)
        return message.SerializeToString(deterministic=True)
    if command == b"R":
        return parsed(payload).SerializeToString(deterministic=True)
    if command == b"J":
        return json_format.MessageToJson(parsed(payload), descriptor_pool=pool).encode()
    if command == b"K":
        message = new_message()
        json_format.Parse(payload.decode(), message, descriptor_pool=pool)
        return message.SerializeToString(deterministic=True)
    raise SystemExit(f"unknown command {command!r}")


def main():
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(5):
        command, count = head[:1], struct.unpack("<I", head[1:])[0]
        payload = source.read(count)
        try:
            status, result = 1, answer(command, payload)
        except SystemExit:
            raise
        except Exception as error:  # whatever the reader dislikes is a refusal
            status, result = 0, str(error).encode()
        sink.write(struct.pack("<BI", status, len(result)) + result)
    sink.flush()


main()
