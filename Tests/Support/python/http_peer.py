"""An HTTP server whose paths misbehave, one way each: what a client has to survive.

    http_peer.py [--unix PATH] [--tls NAME=CERTIFICATE,KEY ...] [--h2 CERTIFICATE,KEY]

Prints `plain PORT`, then a line for each other door, then `ready`; ends with SIGTERM. Every
request that was read wholly is counted by its path, which `/seen/PATH` tells; `/sent` tells how
many bytes `/endless` got rid of. One thread a connection, Python's standard library only.
"""
import collections, gzip, signal, socket, ssl, struct, sys, threading, time, zlib

seen = collections.Counter()
connections = 0
sent = 0
plain = None
lock = threading.Lock()


class Gone(Exception):
    pass


class Connection:
    def __init__(self, sock):
        self.sock = sock
        self.rest = b""

    def more(self):
        part = self.sock.recv(65536)
        if not part:
            raise Gone
        self.rest += part
        return part

    def head(self):
        while b"\r\n\r\n" not in self.rest:
            self.more()
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        return head + b"\r\n\r\n"

    def body(self, head):
        length = 0
        for line in head.split(b"\r\n")[1:]:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":", 1)[1])
        parts, count = [self.rest], len(self.rest)
        while count < length:
            self.rest = b""
            parts.append(self.more())
            count += len(parts[-1])
        whole = b"".join(parts)
        body, self.rest = whole[:length], whole[length:]
        return body

    def send(self, data):
        self.sock.sendall(data)

    def answer(self, body=b"ok", status=b"200 OK", extra=b""):
        head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), extra)
        self.send(head + body)

    def until_closed(self):
        while True:
            self.more()
            self.rest = b""

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%s\r\n"


def endless(c):
    global sent
    c.send(CHUNKED % b"")
    data = chunk(b"x" * 16384)
    while True:
        c.send(data)
        with lock:
            sent += 16384


def drip(c):
    c.send(CHUNKED % b"")
    for index in range(40):
        c.send(chunk(b"%d;" % index))
        time.sleep(0.005)
    c.send(b"0\r\n\r\n")


def slow_head(c):
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n":
        c.send(bytes([byte]))
        time.sleep(0.005)
    c.until_closed()


def huge_head(c):
    c.send(b"HTTP/1.1 200 OK\r\n")
    for index in range(4000):
        c.send(b"X-%d: %s\r\n" % (index, b"y" * 1000))
    c.answer()


def long_line(c):
    c.send(b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 1_000_000 + b"\r\n")
    c.until_closed()


def bomb(c):
    c.send(CHUNKED % b"Content-Encoding: gzip\r\n")
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    for _ in range(256):
        data = packer.compress(b"\0" * 1_000_000)
        if data:
            c.send(chunk(data))
    c.send(chunk(packer.flush()) + b"0\r\n\r\n")


def raw(data, then=None):
    def act(c):
        c.send(data)
        (then or Connection.until_closed)(c)

    return act


def leave(c):
    raise Gone


def half_close(c):
    c.sock.shutdown(socket.SHUT_WR)
    c.until_closed()


SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789"
GZIPPED = gzip.compress(b"inflated " * 100)

WHOLE = {  # after the whole request was read
    "/ok": lambda c: c.answer(),
    "/kb": lambda c: c.answer(b"k" * 1024),
    "/closing": lambda c: (c.answer(extra=b"Connection: close\r\n"), leave(c)),
    "/leaves": lambda c: (c.answer(), leave(c)),
    "/none": raw(b"HTTP/1.1 204 No Content\r\n\r\n", lambda c: None),
    "/until-close": raw(b"HTTP/1.1 200 OK\r\n\r\nto the end", leave),
    "/two": raw(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 Evil\r\n\r\n", lambda c: None
    ),
    "/interim": raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\n"
                    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-B: 2\r\n\r\nok", lambda c: None),
    "/trailers": raw(CHUNKED % b"" + chunk(b"ok") + b"0\r\nX-T: 1\r\n\r\n", lambda c: None),
    "/redirect": lambda c: c.answer(status=b"302 Found", extra=b"Location: /ok\r\n"),
    "/big": lambda c: c.answer(b"b" * 8_000_000),
    "/gzip": lambda c: c.answer(GZIPPED, extra=b"Content-Encoding: gzip\r\n"),
    "/bad-gzip": lambda c: c.answer(b"no gzip at all", extra=b"Content-Encoding: gzip\r\n"),
    "/drip": drip,
    # what follows are faults
    "/dies": leave,
    "/reset": Connection.reset,
    "/silent": Connection.until_closed,
    "/slow-head": slow_head,
    "/cut-head": raw(b"HTTP/1.1 200 OK\r\nContent-Le", leave),
    "/short": raw(SHORT, leave),
    "/half-close": raw(SHORT, half_close),
    "/reset-midway": raw(SHORT, lambda c: (time.sleep(0.05), c.reset())),
    "/stalls": raw(SHORT),
    "/cut-chunk": raw(CHUNKED % b"" + b"ff\r\nhalf", leave),
    "/no-last-chunk": raw(CHUNKED % b"" + chunk(b"whole"), leave),
    "/bad-chunk": raw(CHUNKED % b"" + b"zz\r\nwhat\r\n"),
    "/garbage": raw(b"\x16\x03\x01\x02 this is no HTTP\r\n\r\n"),
    "/bad-status": raw(b"HTTP/1.1 twohundred OK\r\n\r\n"),
    "/bad-length": raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"),
    "/huge-head": huge_head,
    "/long-line": long_line,
    "/endless": endless,
    "/bomb": bomb,
}


def refuse_early(c):
    c.answer(b"too much" * 500_000, b"413 Payload Too Large", b"Connection: close\r\n")
    c.sock.shutdown(socket.SHUT_WR)
    c.until_closed()


UNREAD = {  # before the body is read
    "/early-refusal": refuse_early,
    "/early-reset": lambda c: (time.sleep(0.05), c.reset()),
    "/unread": lambda c: threading.Event().wait(30),
}


def serve(sock):
    global connections
    with lock:
        connections += 1
        own = connections
    c = Connection(sock)
    try:
        while True:
            head = c.head()
            path = head.split(b" ")[1].decode()
            if path in UNREAD:
                UNREAD[path](c)
                raise Gone
            if path == "/early-answer":
                c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            body = c.body(head)
            with lock:
                seen[path] += 1
            if path in WHOLE:
                WHOLE[path](c)
            elif path == "/early-answer":
                pass
            elif path == "/echo":
                c.answer(body)
            elif path == "/head":
                c.answer(head)
            elif path == "/sum":
                c.answer(b"%d %d" % (len(body), zlib.crc32(body)))
            elif path == "/me":
                c.answer(b"%d" % own)
            elif path == "/sent":
                c.answer(b"%d" % sent)
            elif path.startswith("/seen/"):
                c.answer(b"%d" % seen[path[5:]])
            else:
                c.answer(b"what?", b"404 Not Found")
    except (Gone, OSError, ValueError, ssl.SSLError):
        pass
    finally:
        sock.close()


def frame(kind, flags, stream, payload=b""):
    head = struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream)
    return head + payload


def serve_h2(sock):
    """HTTP/2 enough to answer every stream with 200 and the length of its body; header blocks
    are not looked at. A request with a body of 13 bytes is refused (REFUSED_STREAM)."""
    global connections
    with lock:
        connections += 1
    bodies = collections.Counter()
    try:
        reader = sock.makefile("rb")
        reader.read(24)
        sock.sendall(frame(4, 0, 0))
        while True:
            top = reader.read(9)
            if len(top) < 9:
                return
            length = int.from_bytes(top[:3], "big")
            kind, flags, stream = top[3], top[4], int.from_bytes(top[5:], "big")
            payload = reader.read(length)
            if kind == 4 and not flags & 1:
                sock.sendall(frame(4, 1, 0))
            if kind == 6 and not flags & 1:
                sock.sendall(frame(6, 1, 0, payload))
            if kind == 0:
                bodies[stream] += length
                if length:
                    window = struct.pack(">I", length)
                    sock.sendall(frame(8, 0, 0, window) + frame(8, 0, stream, window))
            if kind in (0, 1) and flags & 1:
                with lock:
                    seen["/h2"] += 1
                if bodies[stream] == 13:
                    sock.sendall(frame(3, 0, stream, struct.pack(">I", 7)))
                    continue
                body = b"%d bytes" % bodies.pop(stream, 0)
                sock.sendall(frame(1, 4, stream, b"\x88") + frame(0, 1, stream, body))
    except OSError:
        pass
    finally:
        sock.close()


def serve_proxy(sock):
    """A tunnel for CONNECT to any name, which always leads to the plain door."""
    c = Connection(sock)
    try:
        head = c.head()
        if not head.startswith(b"CONNECT provider.example:80 HTTP/1.1\r\n"):
            c.answer(b"", b"403 Forbidden")
            raise Gone
        with lock:
            seen["/connect"] += 1
        far = socket.create_connection(plain)
        c.send(b"HTTP/1.1 200 Connected\r\nX-Proxy: 1\r\n\r\n")
        threading.Thread(target=pour, args=(far, sock), daemon=True).start()
        pour(sock, far)
    except (Gone, OSError):
        sock.close()


def pour(source, sink):
    try:
        while part := source.recv(65536):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def secure(door, sock, context, handler):
    try:
        sock.settimeout(20)
        wrapped = context.wrap_socket(sock, server_side=True)
    except OSError:
        sock.close()
        return
    handler(wrapped)


def listen(door, context=None, handler=serve):
    while True:
        sock, _ = door.accept()
        if door.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        target, arguments = (handler, (sock,)) if context is None else (
            secure, (door, sock, context, handler))
        threading.Thread(target=target, args=arguments, daemon=True).start()


def open_door(name, context=None, handler=serve, path=None):
    global plain
    if path:
        door = socket.socket(socket.AF_UNIX)
        door.bind(path)
        door.listen(512)
    else:
        door = socket.create_server(("127.0.0.1", 0), backlog=512)
    threading.Thread(target=listen, args=(door, context, handler), daemon=True).start()
    if name == "plain":
        plain = door.getsockname()
    print(name, path or door.getsockname()[1], flush=True)


def context(files, protocols):
    certificate, key = files.split(",")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    made.set_alpn_protocols(protocols)
    return made


def main():
    threading.stack_size(256 << 10)
    open_door("plain")
    open_door("proxy", handler=serve_proxy)
    arguments = iter(sys.argv[1:])
    for argument in arguments:
        value = next(arguments)
        if argument == "--unix":
            open_door("unix", path=value)
        elif argument == "--tls":
            name, files = value.split("=")
            open_door(name, context(files, ["http/1.1"]))
        elif argument == "--h2":
            open_door("h2", context(value, ["h2"]), serve_h2)
    print("ready", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        signal.pause()


main()
