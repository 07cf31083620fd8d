"""One hostile connection, and what a server made of it."""

import os
import select
import time

import frames

METHOD = "/grpc.testing.TestService/EmptyCall"
UNARY = "/grpc.testing.TestService/UnaryCall"
INPUT = "/grpc.testing.TestService/StreamingInputCall"
OUTPUT = "/grpc.testing.TestService/StreamingOutputCall"
DUPLEX = "/grpc.testing.TestService/FullDuplexCall"
STATUS = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
    "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
    "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED")
EMPTY = frames.grpc_message(b"")


def request_fields(path, *extra, without=(), method="POST"):
    """The header fields of a good call, but for `extra` and `without`."""
    fields = [
        (":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost"),
        ("content-type", "application/grpc"), ("te", "trailers")]
    return [field for field in fields if field[0] not in without] + list(extra)


class Attacker:
    """A connection that sends what it is told and keeps what comes back."""

    def __init__(self, address):
        self.address = address
        self.raw = frames.open_socket(address)
        self.reader = frames.FrameReader(self.raw)
        self.codec = frames.HeaderCodec()
        self.codec.encoder.header_table_size = 0  # blocks that mean the same on any connection
        self.answers = []      # every frame that came, in words
        self.outcome = None    # the first thing that settles the attack
        self.ended = None      # how the connection ended, if it did
        self.started = False
        self.broken = None     # why nothing more can be sent; there may still be something to read
        self.next_stream = 1001
        self.send_seconds = 5.0
        self.initial_window = frames.WINDOW
        self.windows = {0: frames.WINDOW}  # what we may send, for attacks that keep to it

    def send(self, *pieces):
        """Sends while there is someone to take it."""
        if self.broken:
            return
        data = b"".join(pieces)
        self.raw.settimeout(self.send_seconds)
        try:
            self.raw.sendall(data)
        except TimeoutError:
            self.answers.append("does not read")
        except OSError as error:
            self.broken = error.__class__.__name__

    def start(self, *pairs):
        self.started = True
        self.send(frames.PREFACE, frames.settings(*pairs))
        return self

    def headers(self, path, *extra, stream=1, end=False, without=(), method="POST"):
        """A HEADERS frame that opens a call."""
        fields = request_fields(path, *extra, without=without, method=method)
        return self.codec.headers(stream, fields, end=end)

    def call(self, path, body=EMPTY, *extra, stream=1, **options):
        """The frames of a whole call."""
        return (
            self.headers(path, *extra, stream=stream, **options)
            + frames.frame(frames.DATA, frames.END_STREAM, stream, body))

    def send_body(self, stream, body, end=True, seconds=5.0):
        """Sends DATA as the server's windows allow, until it is all sent or refused."""
        self.windows.setdefault(stream, self.initial_window)
        deadline = time.monotonic() + seconds
        at = 0
        while self.outcome is None and not self.over:
            count = min(16384, len(body) - at, self.windows[0], self.windows[stream])
            if count > 0 or not body:
                at += count
                self.windows[0] -= count
                self.windows[stream] -= count
                last = at == len(body)
                flags = frames.END_STREAM if end and last else 0
                self.send(frames.frame(frames.DATA, flags, stream, body[at - count:at]))
                if last:
                    return
                if not self.readable():
                    continue
            elif time.monotonic() > deadline:
                self.answers.append("gives no window")
                return
            self.observe(0.02, stream)

    def settle(self, outcome):
        if self.outcome is None:
            self.outcome = outcome

    def observe(self, seconds, stream=1):
        """Reads until the attack on `stream` is settled or `seconds` are over.

        A connection that is told to go away is read to its end, which must come.
        """
        deadline = time.monotonic() + seconds
        while self.ended is None:
            try:
                each = self.reader.read(deadline)
            except frames.Closed as closed:
                self.ended = str(closed)
                break
            if each is None:
                break
            self.received(each, stream)
            if self.outcome and not self.outcome.startswith("goaway"):
                return self
        if self.ended is not None:
            self.answers.append(self.ended)
            self.settle("closed")
        return self

    def received(self, each, stream):
        name = frames.NAMES[each.kind] if each.kind < len(frames.NAMES) else hex(each.kind)
        if each.kind == frames.GOAWAY:
            code = frames.error_name(each.number)
            debug = each.payload[8:].decode("utf-8", "replace")
            self.answers.append(f"GOAWAY({code}, {debug!r})")
            if each.number != frames.NO_ERROR:
                self.settle(f"goaway:{code}")
        elif each.kind == frames.RST_STREAM:
            code = frames.error_name(each.number)
            self.answers.append(f"RST_STREAM({each.stream}, {code})")
            if each.stream == stream:
                self.settle(f"reset:{code}")
        elif each.kind in (frames.HEADERS, frames.CONTINUATION):
            self.received_headers(each, stream)
        elif each.kind == frames.SETTINGS and not each.flags & frames.ACK:
            self.answers.append(name)
            for identifier, value in each.setting_pairs():
                if identifier == frames.INITIAL_WINDOW_SIZE:
                    for open_stream in self.windows:
                        self.windows[open_stream] += (
                            value - self.initial_window if open_stream else 0)
                    self.initial_window = value
            if self.started:
                self.send(frames.settings(ack=True))
        elif each.kind == frames.WINDOW_UPDATE and each.stream in self.windows:
            self.windows[each.stream] += each.number
        elif len(self.answers) < 50:
            self.answers.append(f"{name}({each.stream}, {len(each.payload)} bytes)")

    def received_headers(self, each, stream):
        complete = self.codec.received(each)
        if complete is None:
            return
        fields = dict(complete[0])
        kept = {
            key: fields[key] for key in (":status", "grpc-status", "grpc-message")
            if key in fields}
        self.answers.append(f"HEADERS({each.stream}, {kept})")
        self.last_fields = fields
        if each.stream != stream:
            return
        if "grpc-status" in fields:
            number = int(fields["grpc-status"])
            self.settle(f"status:{STATUS[number] if number < len(STATUS) else number}")
        elif fields.get(":status", "200") != "200":
            self.settle(f"http:{fields[':status']}")

    def still_answers(self, path, seconds=3.0):
        """What becomes of a good call on this very connection: `alive` when it is answered."""
        self.outcome = None
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        self.send(self.call(path, stream=stream))
        self.observe(seconds, stream)
        if self.outcome == "status:OK":
            self.outcome = "alive"
        elif self.outcome is None or not self.outcome.startswith(("goaway", "closed")):
            self.outcome = "silent"

    @property
    def over(self):
        """Whether there is no one to send to."""
        return bool(self.broken or self.ended)

    def readable(self, seconds=0.0):
        return bool(select.select([self.raw], [], [], seconds)[0])

    def close(self):
        self.raw.close()


def resident_kib(pid):
    """The resident set of a process; 0 when it is not known."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    except (OSError, IndexError):
        return 0
