"""An HTTP/2 server that misbehaves as gRPC's negative cases ask, to test a client against.

    negative_server.py --address unix:/tmp/n.sock --case goaway

Prints one line of JSON with the bound address, and at the end (standard input ends or SIGTERM) one
with what it saw: connections, calls on each, pings without an answer, streams open at once, rules
that the client broke. Cases are in negative_behaviours.py.
"""

import argparse
import json
import os
import select
import signal
import socket
import threading
import time

import frames
from negative_behaviours import BEHAVIOURS


class Stream:
    """One request, and the answer that waits for the client's windows."""

    def __init__(self, window):
        self.window = window
        self.body = bytearray()
        self.ended = False
        self.pending = []  # frames still to send, in order: (bytes, flow-controlled size)


class Connection:
    """One client, served by a thread of its own; behaviours answer complete requests."""

    def __init__(self, raw, index, behaviour):
        self.raw, self.index, self.behaviour = raw, index, behaviour
        self.reader = frames.FrameReader(raw)
        self.codec = frames.HeaderCodec()
        self.window = frames.WINDOW
        self.initial_window = frames.WINDOW
        self.streams = {}
        self.seen = {
            "calls": 0, "streams_max": 0, "pings_sent": 0, "pings_outstanding": 0,
            "settings_acknowledged": 0, "resets": [], "violations": [], "closed": None,
            "opened_ms": round(time.monotonic() * 1e3)}

    def run(self):
        try:
            self.raw.settimeout(10)
            self.behaviour.connected(self)
            preface = self.raw.recv(len(frames.PREFACE), socket.MSG_WAITALL)
            if not preface:
                raise frames.Closed("EOF")  # it changed its mind
            if preface != frames.PREFACE:
                self.violation(f"the preface is {preface!r}")
                return
            self.behaviour.opened(self)
            while True:
                each = self.reader.read(time.monotonic() + 600)
                if each is not None:
                    self.received(each)
        except frames.Closed as closed:
            self.seen["closed"] = str(closed)
        except OSError as error:
            self.seen["closed"] = error.__class__.__name__
        finally:
            self.raw.close()

    def violation(self, text):
        self.seen["violations"].append(text)

    def send(self, *pieces):
        if self.behaviour.is_silent:
            return
        self.raw.settimeout(10)
        self.raw.sendall(b"".join(pieces))

    def ping(self):
        self.seen["pings_sent"] += 1
        self.seen["pings_outstanding"] += 1
        return frames.ping(self.seen["pings_sent"])

    # What the client sends.

    def received(self, each):
        if each.kind == frames.SETTINGS:
            self.received_settings(each)
        elif each.kind == frames.PING:
            if each.flags & frames.ACK:
                self.seen["pings_outstanding"] -= 1
            else:
                self.send(frames.frame(frames.PING, frames.ACK, 0, each.payload))
        elif each.kind == frames.WINDOW_UPDATE:
            if each.stream == 0:
                self.window += each.number
            elif each.stream in self.streams:
                self.streams[each.stream].window += each.number
            self.pump()
        elif each.kind == frames.RST_STREAM:
            self.seen["resets"].append(frames.error_name(each.number))
            self.streams.pop(each.stream, None)
        elif each.kind in (frames.HEADERS, frames.CONTINUATION):
            self.received_headers(each)
        elif each.kind == frames.DATA:
            self.received_data(each)

    def received_settings(self, each):
        if each.flags & frames.ACK:
            self.seen["settings_acknowledged"] += 1
            return
        for identifier, value in each.setting_pairs():
            if identifier == frames.INITIAL_WINDOW_SIZE:
                for stream in self.streams.values():
                    stream.window += value - self.initial_window
                self.initial_window = value
        self.send(frames.settings(ack=True))
        self.pump()

    def received_headers(self, each):
        complete = self.codec.received(each)
        if complete is None:
            return
        if each.stream % 2 == 0 or each.stream in self.streams:
            self.violation(f"HEADERS on stream {each.stream}")
        self.streams[each.stream] = Stream(self.initial_window)
        self.seen["streams_max"] = max(self.seen["streams_max"], len(self.streams))
        self.behaviour.request_begun(self, each.stream)
        if complete[1]:
            self.request_complete(each.stream)

    def received_data(self, each):
        self.send(frames.window_update(0, max(len(each.payload), 1)))
        stream = self.streams.get(each.stream)
        if stream is None:
            return  # reset by us while it was on its way
        stream.body += each.content()
        if each.flags & frames.END_STREAM:
            self.request_complete(each.stream)
        else:
            self.send(frames.window_update(each.stream, max(len(each.payload), 1)))

    def request_complete(self, number):
        self.seen["calls"] += 1
        self.behaviour.request_complete(self, number, bytes(self.streams[number].body))
        self.pump()

    # What the client gets.

    def queue(self, number, *pieces):
        """Queues frames behind each other; DATA waits for the client's windows."""
        for piece in pieces:
            size = int.from_bytes(piece[:3], "big") if piece[3] == frames.DATA else 0
            self.streams[number].pending.append((piece, size))

    def pump(self):
        """Sends what the windows allow; a stream is over when its last frame went."""
        out, finished = [], []
        for number, stream in self.streams.items():
            sent = 0
            for piece, size in stream.pending:
                if size > min(self.window, stream.window):
                    break
                self.window -= size
                stream.window -= size
                sent += 1
                out.append(piece)
                ends = piece[3] in (frames.DATA, frames.HEADERS) and piece[4] & frames.END_STREAM
                if ends or piece[3] == frames.RST_STREAM:
                    finished.append(number)
            del stream.pending[:sent]
        for number in finished:
            del self.streams[number]
        if out:
            self.send(*out)


class Server:
    """Accepts clients until it is told to stop."""

    def __init__(self, address, case):
        self.behaviour = BEHAVIOURS[case]()
        self.connections = []
        address = address.removeprefix("tcp://")
        if address.startswith("unix:"):
            self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.listener.bind(address.removeprefix("unix:"))
            self.address = address
        else:
            host, port = address.rsplit(":", 1)
            self.listener = socket.create_server((host, int(port)))
            self.address = f"{host}:{self.listener.getsockname()[1]}"
        self.listener.listen(64)

    def run(self, stop):
        """Serves until the descriptor `stop` can be read."""
        while True:
            ready, _, _ = select.select([self.listener, stop], [], [])
            if stop in ready and not os.read(stop, 4096):
                break
            if self.listener in ready:
                raw, _ = self.listener.accept()
                if raw.family != socket.AF_UNIX:
                    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection = Connection(raw, len(self.connections), self.behaviour)
                self.connections.append(connection)
                threading.Thread(target=connection.run, daemon=True).start()
        if self.address.startswith("unix:"):
            os.unlink(self.address.removeprefix("unix:"))

    def report(self, case):
        seen = [connection.seen for connection in self.connections]
        problems = self.behaviour.problems(seen) if seen else ["no client came"]
        problems += [text for each in seen for text in each["violations"]]
        return {
            "case": case, "ok": not problems, "problems": problems,
            "connections": seen}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", default="127.0.0.1:0", help="unix:/path or host:port")
    parser.add_argument("--case", required=True, choices=sorted(BEHAVIOURS))
    arguments = parser.parse_args()
    reading, writing = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.close(writing))
    server = Server(arguments.address, arguments.case)
    print(json.dumps({"address": server.address, "case": arguments.case}), flush=True)

    def watch_input():
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch_input, daemon=True).start()
    server.run(reading)
    print(json.dumps(server.report(arguments.case)), flush=True)


if __name__ == "__main__":
    main()
