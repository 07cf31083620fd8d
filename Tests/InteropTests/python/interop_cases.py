"""The interop cases of gRPC that need no cloud credentials, as functions of a `Peer`.

A case raises `AssertionError` or `grpc.RpcError` when the server is wrong, and may return a
dictionary of figures. What each case must do is gRPC's interop-test-descriptions.md.
"""

import os
import queue
import threading
import time

import grpc

from stubs import empty_pb2, messages_pb2, test_pb2_grpc
from visible import OPTIONS, reader

LARGE_REQUEST = 271_828
LARGE_RESPONSE = 314_159
INPUT_SIZES = (27182, 8, 1828, 45904)
OUTPUT_SIZES = (31415, 9, 2653, 58979)
ECHO_INITIAL = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
ECHO_TRAILING = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")
SPECIAL_MESSAGE = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
DEADLINE = 20.0
GZIP = grpc.Compression.Gzip
MESSAGE_LIMITS = (
    ("grpc.max_receive_message_length", 16 << 20), ("grpc.max_send_message_length", 16 << 20))


class Peer:
    """A server under test: grpcio's own stub, and calls that show what travelled compressed."""

    def __init__(self, address):
        self.address = address.removeprefix("tcp://")
        self.channel = self.open()
        self.stub = test_pb2_grpc.TestServiceStub(self.channel)
        self.visible = grpc.insecure_channel(
            self.address, options=(*MESSAGE_LIMITS, *OPTIONS, *self.alone(1)))

    def open(self, number=0):
        return grpc.insecure_channel(
            self.address, options=(*MESSAGE_LIMITS, *self.alone(number)))

    @staticmethod
    def alone(number):
        # Channels of one process share connections unless their arguments differ.
        return (("grpc.use_local_subchannel_pool", 1), ("assay.channel", number))

    def visible_unary(self, request, **options):
        call = self.visible.unary_unary(
            "/grpc.testing.TestService/UnaryCall",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=reader(messages_pb2.SimpleResponse))
        return call(request, timeout=DEADLINE, **options)

    def visible_stream(self, request):
        call = self.visible.unary_stream(
            "/grpc.testing.TestService/StreamingOutputCall",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=reader(messages_pb2.StreamingOutputCallResponse))
        return call(request, timeout=DEADLINE)

    def close(self):
        self.channel.close()
        self.visible.close()


def truth(value):
    return messages_pb2.BoolValue(value=value)


def payload(count):
    return messages_pb2.Payload(body=bytes(count))


def large_request(**fields):
    return messages_pb2.SimpleRequest(
        response_size=LARGE_RESPONSE, payload=payload(LARGE_REQUEST), **fields)


def equal(got, wanted, what):
    assert got == wanted, f"{what} is {got!r:.200}, not {wanted!r:.200}"


def check_zeros(message, count):
    equal(len(message.payload.body), count, "payload size")
    assert not any(message.payload.body), "the payload has bytes that are not zero"


def fails(code, call, message=None):
    """Runs `call`, which must end with `code` (and `message`)."""
    try:
        call()
    except grpc.RpcError as error:
        equal(error.code(), code, "status")
        if message is not None:
            equal(error.details(), message, "status message")
        return error
    raise AssertionError(f"the call succeeded, it must end with {code}")


class Conversation:
    """A bidirectional call whose requests are sent one at a time."""

    _END = object()

    def __init__(self, stub, **options):
        self.requests = queue.SimpleQueue()
        self.call = stub.FullDuplexCall(
            iter(self.requests.get, self._END), **{"timeout": DEADLINE, **options})

    def send(self, size, count, **fields):
        parameters = [messages_pb2.ResponseParameters(size=size)] if size is not None else []
        self.requests.put(messages_pb2.StreamingOutputCallRequest(
            response_parameters=parameters, payload=payload(count), **fields))

    def end(self):
        self.requests.put(self._END)

    def next(self):
        return next(self.call)


def empty_unary(peer):
    response = peer.stub.EmptyCall(empty_pb2.Empty(), timeout=DEADLINE)
    equal(response.SerializeToString(), b"", "response")


def large_unary(peer):
    check_zeros(peer.stub.UnaryCall(large_request(), timeout=DEADLINE), LARGE_RESPONSE)


def client_compressed_unary(peer):
    probe = large_request(expect_compressed=truth(True))
    fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: peer.stub.UnaryCall(probe, timeout=DEADLINE))
    compressed = peer.stub.UnaryCall(probe, timeout=DEADLINE, compression=GZIP)
    check_zeros(compressed, LARGE_RESPONSE)
    plain = large_request(expect_compressed=truth(False))
    check_zeros(peer.stub.UnaryCall(plain, timeout=DEADLINE), LARGE_RESPONSE)


def server_compressed_unary(peer):
    for wanted in (True, False):
        request = large_request(response_compressed=truth(wanted))
        received = peer.visible_unary(request)
        equal(received.compressed, wanted, "compressed flag")
        check_zeros(received.message, LARGE_RESPONSE)
        # Again through grpcio's own decompression.
        check_zeros(peer.stub.UnaryCall(request, timeout=DEADLINE), LARGE_RESPONSE)


def client_streaming(peer):
    requests = [messages_pb2.StreamingInputCallRequest(payload=payload(n)) for n in INPUT_SIZES]
    response = peer.stub.StreamingInputCall(iter(requests), timeout=DEADLINE)
    equal(response.aggregated_payload_size, 74922, "aggregated_payload_size")


def client_compressed_streaming(peer):
    def request(body, expected):
        return messages_pb2.StreamingInputCallRequest(
            payload=messages_pb2.Payload(body=body), expect_compressed=truth(expected))

    probe = request(bytes(27182), True)
    fails(
        grpc.StatusCode.INVALID_ARGUMENT,
        lambda: peer.stub.StreamingInputCall(iter([probe]), timeout=DEADLINE))
    # grpcio cannot switch compression off for one message of a stream, but its core sends a
    # message plain when gzip does not make it smaller: so the second body is random.
    mixed = [probe, request(os.urandom(45904), False)]
    response = peer.stub.StreamingInputCall(iter(mixed), timeout=DEADLINE, compression=GZIP)
    equal(response.aggregated_payload_size, 73086, "aggregated_payload_size")


def server_streaming(peer):
    request = messages_pb2.StreamingOutputCallRequest(
        response_parameters=[messages_pb2.ResponseParameters(size=n) for n in OUTPUT_SIZES])
    responses = list(peer.stub.StreamingOutputCall(request, timeout=DEADLINE))
    equal(len(responses), len(OUTPUT_SIZES), "number of responses")
    for response, size in zip(responses, OUTPUT_SIZES):
        check_zeros(response, size)


def server_compressed_streaming(peer):
    wanted = ((31415, True), (92653, False))
    request = messages_pb2.StreamingOutputCallRequest(
        response_parameters=[
            messages_pb2.ResponseParameters(size=size, compressed=truth(compressed))
            for size, compressed in wanted])
    received = list(peer.visible_stream(request))
    equal(len(received), len(wanted), "number of responses")
    for each, (size, compressed) in zip(received, wanted):
        equal(each.compressed, compressed, f"compressed flag of the message of {size} bytes")
        check_zeros(each.message, size)
    stock = list(peer.stub.StreamingOutputCall(request, timeout=DEADLINE))
    equal([len(each.payload.body) for each in stock], [31415, 92653], "sizes")


def ping_pong(peer):
    conversation = Conversation(peer.stub)
    for size, count in zip(OUTPUT_SIZES, INPUT_SIZES):
        conversation.send(size, count)
        check_zeros(conversation.next(), size)
    conversation.end()
    equal(list(conversation.call), [], "responses after the half-close")
    equal(conversation.call.code(), grpc.StatusCode.OK, "status")


def empty_stream(peer):
    call = peer.stub.FullDuplexCall(iter(()), timeout=DEADLINE)
    equal(list(call), [], "responses")
    equal(call.code(), grpc.StatusCode.OK, "status")


def custom_metadata(peer):
    def check(call):
        assert ECHO_INITIAL in [tuple(each) for each in call.initial_metadata()], "initial"
        assert ECHO_TRAILING in [tuple(each) for each in call.trailing_metadata()], "trailing"

    metadata = (ECHO_INITIAL, ECHO_TRAILING)
    response, call = peer.stub.UnaryCall.with_call(
        large_request(), timeout=DEADLINE, metadata=metadata)
    check_zeros(response, LARGE_RESPONSE)
    check(call)
    conversation = Conversation(peer.stub, metadata=metadata)
    conversation.send(LARGE_RESPONSE, LARGE_REQUEST)
    conversation.end()
    responses = list(conversation.call)
    equal(len(responses), 1, "number of responses")
    check_zeros(responses[0], LARGE_RESPONSE)
    check(conversation.call)


def echo_status(peer, message):
    status = messages_pb2.EchoStatus(code=2, message=message)
    request = messages_pb2.SimpleRequest(response_status=status)
    fails(
        grpc.StatusCode.UNKNOWN, lambda: peer.stub.UnaryCall(request, timeout=DEADLINE), message)
    return status


def status_code_and_message(peer):
    message = "test status message"
    conversation = Conversation(peer.stub)
    conversation.send(None, 0, response_status=echo_status(peer, message))
    conversation.end()
    fails(grpc.StatusCode.UNKNOWN, lambda: list(conversation.call), message)


def special_status_message(peer):
    echo_status(peer, SPECIAL_MESSAGE)


def unimplemented_method(peer):
    fails(
        grpc.StatusCode.UNIMPLEMENTED,
        lambda: peer.stub.UnimplementedCall(empty_pb2.Empty(), timeout=DEADLINE))


def unimplemented_service(peer):
    stub = test_pb2_grpc.UnimplementedServiceStub(peer.channel)
    fails(
        grpc.StatusCode.UNIMPLEMENTED,
        lambda: stub.UnimplementedCall(empty_pb2.Empty(), timeout=DEADLINE))


def cancel_after_begin(peer):
    never = queue.SimpleQueue()
    call = peer.stub.StreamingInputCall.future(iter(never.get, None), timeout=DEADLINE)
    call.cancel()
    assert call.cancelled(), "the call does not say that it was cancelled"
    equal(call.code(), grpc.StatusCode.CANCELLED, "status")
    never.put(None)
    empty_unary(peer)  # the connection lives on


def cancel_after_first_response(peer):
    conversation = Conversation(peer.stub)
    conversation.send(31415, 27182)
    check_zeros(conversation.next(), 31415)
    conversation.call.cancel()
    fails(grpc.StatusCode.CANCELLED, conversation.next)
    conversation.end()
    empty_unary(peer)


def timeout_on_sleeping_server(peer):
    conversation = Conversation(peer.stub, timeout=0.001)
    conversation.send(None, 27182)
    begun = time.monotonic()
    fails(grpc.StatusCode.DEADLINE_EXCEEDED, conversation.next)
    waited = time.monotonic() - begun
    assert waited < 1, f"the deadline of 1 ms was noticed after {waited:.3f} s"
    conversation.end()
    empty_unary(peer)


CORE = (
    empty_unary, large_unary, client_compressed_unary, server_compressed_unary, client_streaming,
    client_compressed_streaming, server_streaming, server_compressed_streaming, ping_pong,
    empty_stream, custom_metadata, status_code_and_message, special_status_message,
    unimplemented_method, unimplemented_service, cancel_after_begin, cancel_after_first_response,
    timeout_on_sleeping_server)


def rpc_soak(peer, count, large_every=1):
    """`count` calls one after the other on one channel, none may fail.

    Every `large_every`-th is a large one; all, unless told otherwise.
    """
    large, small = large_request(), messages_pb2.SimpleRequest(response_size=10)
    slowest, begun = 0.0, time.monotonic()
    for index in range(count):
        request = small if index % large_every else large
        started = time.monotonic()
        response = peer.stub.UnaryCall(request, timeout=DEADLINE)
        check_zeros(response, request.response_size)
        slowest = max(slowest, time.monotonic() - started)
    return {
        "calls": count, "slowest_ms": round(slowest * 1e3, 1),
        "seconds": round(time.monotonic() - begun, 1)}


def concurrent_large_unary(peer, count):
    """`count` large calls at once on one channel."""
    request, begun, deadline = large_request(), time.monotonic(), DEADLINE + count * 0.1
    open_calls = threading.Semaphore(0)
    calls = []
    for _ in range(count):
        call = peer.stub.UnaryCall.future(request, timeout=deadline)
        call.add_done_callback(lambda _: open_calls.release())
        calls.append(call)
    for _ in calls:
        open_calls.acquire()
    for call in calls:
        check_zeros(call.result(), LARGE_RESPONSE)
    return {"calls": count, "seconds": round(time.monotonic() - begun, 1)}
