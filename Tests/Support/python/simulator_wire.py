"""A plain client of the simulator: sockets and JSON, nothing that hides what comes back."""

import gzip
import json
import socket
import struct

HEADERS = {"x-api-key": "sim-raw", "anthropic-version": "2023-06-01"}
OPUS = "claude-opus-5"
PATHS = {
    "messages": "/v1/messages",
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
}


def check(condition, what=""):
    if not condition:
        raise AssertionError(str(what)[:400])


def body_of(dialect="messages", text="hello", stream=False, **more):
    if dialect == "messages":
        body = {"model": OPUS, "max_tokens": 400, "messages": [{"role": "user", "content": text}]}
    elif dialect == "chat":
        body = {"model": "gpt-5", "messages": [{"role": "user", "content": text}]}
    else:
        body = {"model": "gpt-5", "input": text}
    if stream:
        body["stream"] = True
    body.update(more)
    return body


class Reply:
    """What came back, and how it ended: kept, closed, reset or silent."""

    def __init__(self, raw, ending):
        self.raw = raw
        self.ending = ending
        head, _, self.rest = raw.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        self.status = int(lines[0].split()[1]) if lines[0].startswith(b"HTTP/1.1 ") else 0
        self.headers = {}
        self.lengths = []
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            name, value = name.decode().lower(), value.strip().decode()
            self.headers[name] = value
            if name == "content-length":
                self.lengths.append(int(value))

    @property
    def is_chunked(self):
        return self.headers.get("transfer-encoding") == "chunked"

    @property
    def body(self):
        """The body as far as it came, without its chunks."""
        if not self.is_chunked:
            return self.rest[: self.lengths[0]] if self.lengths else self.rest
        body, rest = b"", self.rest
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            try:
                count = int(size, 16)
            except ValueError:
                break
            if count == 0:
                break
            body += rest[:count]
            rest = rest[count + 2 :]
        return body

    @property
    def has_last_chunk(self):
        return self.rest.endswith(b"0\r\n\r\n")

    @property
    def is_whole(self):
        if self.is_chunked:
            return self.has_last_chunk
        return bool(self.lengths) and len(self.rest) >= self.lengths[0]

    def json(self):
        return json.loads(self.body)

    def events(self):
        found = []
        for block in self.body.decode().split("\n\n"):
            for line in block.split("\n"):
                if line.startswith("data: ") and line != "data: [DONE]":
                    found.append(json.loads(line[6:]))
        return found

    def text(self):
        """The answer's text, in whatever dialect and whether it streamed or not."""
        if self.headers.get("content-type", "").startswith("text/event-stream"):
            return "".join(piece for event in self.events() for piece in deltas(event))
        value = self.json()
        if "content" in value:
            return "".join(block.get("text", "") for block in value["content"])
        if "choices" in value:
            return value["choices"][0]["message"]["content"]
        return value["output"][0]["content"][0]["text"]


def deltas(event):
    if event.get("type") == "content_block_delta":
        yield event["delta"].get("text", event["delta"].get("partial_json", ""))
    elif event.get("type") in ("response.output_text.delta",):
        yield event["delta"]
    for choice in event.get("choices") or []:
        yield choice["delta"].get("content") or ""


class Simulator:
    def __init__(self, host, port, path=None):
        self.host, self.port, self.path = host, port, path

    def connect(self, timeout=20):
        if self.path:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(timeout)
            connection.connect(self.path)
        else:
            connection = socket.create_connection((self.host, self.port), timeout=timeout)
        return connection

    @staticmethod
    def request(method, path, body=b"", headers=None):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "host: simulator", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or HEADERS).items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body

    @staticmethod
    def read(connection, silence=None, until=None, limit=1 << 28):
        """Reads until the reply is whole, the connection ends, or `silence` seconds of nothing."""
        raw, ending = b"", "kept"
        if silence:
            connection.settimeout(silence)
        while len(raw) < limit:
            if until is None and b"\r\n\r\n" in raw and Reply(raw, "").is_whole:
                break
            if until is not None and until in raw:
                break
            try:
                data = connection.recv(1 << 20)
            except TimeoutError:
                ending = "silent"
                break
            except ConnectionResetError:
                ending = "reset"
                break
            if not data:
                ending = "closed"
                break
            raw += data
        return Reply(raw, ending)

    def ask(self, method, path, body=b"", headers=None, silence=None):
        with self.connect() as connection:
            connection.sendall(self.request(method, path, body, headers))
            return self.read(connection, silence)

    def call(self, dialect="messages", silence=None, headers=None, **more):
        return self.ask(
            "POST", PATHS[dialect], body_of(dialect, **more), HEADERS | (headers or {}), silence
        )

    def script(self, *rules, **more):
        reply = self.ask("POST", "/control/script", {"rules": list(rules), **more})
        check(reply.status == 200, reply.body)

    def fault(self, name, **options):
        self.script({"fault": name, "with": options})

    def reset(self):
        check(self.ask("POST", "/control/reset").status == 200)

    def lines(self, path):
        return [json.loads(line) for line in self.ask("GET", path).body.splitlines()]

    def bill(self):
        return {line["request_id"]: line for line in self.lines("/bill")}

    def billed(self, reply):
        """The line of the bill for a reply; None when there is none."""
        name = reply.headers.get("request-id") or reply.headers.get("x-request-id")
        return self.bill().get(name)


def abort(connection):
    """Closes so that the other end sees a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def unpacked(reply):
    return gzip.decompress(reply.body)


def run(cases, before=lambda: None):
    """Each case prints a line of JSON, and answers for itself."""
    for function in cases:
        line = {"case": function.__name__, "ok": True, "detail": ""}
        try:
            before()
            function()
        except Exception as error:
            line |= {"ok": False, "detail": f"{type(error).__name__}: {error}"}
        print(json.dumps(line), flush=True)
