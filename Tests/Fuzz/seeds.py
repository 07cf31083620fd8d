"""Writes inputs for the fuzzer to begin with: `seeds.py FOLDER` fills FOLDER/<target>/.

For the HTTP/2 sessions these are the raw-frame attacks of Tests/InteropTests/python and the answers
of its negative server; for the rest a few well-formed inputs. What is kept in Tests/Fuzz/corpus is
what scripts/fuzz --keep found to reach something that no other input reaches.
"""

import pathlib
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "InteropTests" / "python"))

import frames  # noqa: E402
import hostile_frames  # noqa: E402
import hostile_requests  # noqa: E402
from attacker import METHOD, Attacker  # noqa: E402

SEED_BYTES_MAX = 4096
WHOLE = b"\0"  # the first byte says how the rest is cut


class Recorder(Attacker):
    """An attacker without a socket."""

    def __init__(self):
        self.codec = frames.HeaderCodec()
        self.codec.encoder.header_table_size = 0
        self.sent = []
        self.outcome = self.ended = self.broken = None

    def send(self, *pieces):
        self.sent += pieces
        if sum(map(len, self.sent)) > SEED_BYTES_MAX:
            self.broken = "enough"

    def send_body(self, stream, body, end=True, seconds=0):
        self.send(frames.frame(frames.DATA, frames.END_STREAM if end else 0, stream, body[:1024]))

    def observe(self, seconds, stream=1):
        return self

    def readable(self, seconds=0):
        return False

    def close(self):
        pass


def http2_server():
    for name, _, body in (*hostile_frames.CONNECTION, *hostile_requests.REQUESTS):
        recorder = Recorder()
        body(recorder, METHOD)
        sent = b"".join(recorder.sent).removeprefix(frames.PREFACE)
        yield name, WHOLE + sent[:SEED_BYTES_MAX]
    resets = b"".join(
        Recorder().headers(METHOD, stream=n) + frames.reset(n, frames.CANCEL)
        for n in range(1, 60, 2))
    yield "rapid_reset", WHOLE + frames.settings() + resets


def http2_client():
    codec = frames.HeaderCodec()
    ok = ((":status", "200"), ("content-type", "application/grpc"))
    begin = frames.settings((3, 100), (4, 1 << 20)) + frames.settings(ack=True)
    head = codec.headers(1, ok)
    body = frames.frame(frames.DATA, 0, 1, frames.grpc_message(b"hello"))
    padded = frames.frame(frames.DATA, frames.PADDED, 1, b"\x04hello" + bytes(4))
    tail = codec.headers(1, (("grpc-status", "0"), ("grpc-message", "fine")), end=True)
    only = codec.headers(1, (*ok, ("grpc-status", "5")), end=True)
    yield "answer", WHOLE + begin + head + body + tail
    yield "answer_cut", b"\x0b" + begin + head + body + tail
    yield "padded", WHOLE + begin + head + padded + tail
    yield "trailers_only", WHOLE + begin + only
    yield "reset", WHOLE + begin + head + frames.reset(1, frames.REFUSED_STREAM)
    yield "goaway", WHOLE + begin + frames.goaway(1, frames.NO_ERROR, b"bye") + head + body + tail
    yield "ping", WHOLE + begin + frames.ping(1) + frames.ping(1, ack=True)
    yield "informational", WHOLE + begin + codec.headers(1, ((":status", "103"),)) + head + tail
    yield "page", WHOLE + begin + codec.headers(1, ((":status", "404"),), end=True)
    yield "windows", WHOLE + begin + frames.window_update(0, 1000) + frames.window_update(1, 1)
    for name, _, build in hostile_frames.CONNECTION:
        recorder = Recorder()
        build(recorder, METHOD)
        sent = b"".join(recorder.sent).removeprefix(frames.PREFACE)
        yield name, WHOLE + begin + head + sent[:1024]


def framing():
    one, two = frames.grpc_message(b"hello"), frames.grpc_message(b"", flag=1)
    yield "two", WHOLE + one + two
    yield "cut", b"\x01" + one + two + one[:7]
    yield "flag", b"\x09" + one + frames.grpc_message(b"x", flag=7)
    yield "large", WHOLE + frames.grpc_message(b"x", length=0xFFFFFFFF)


def metadata():
    yield "timeout", b"15S"
    yield "timeout_long", b"99999999H"
    yield "percent", "caf%C3%A9 100%25 %zz %F0%9F%98%88".encode()
    yield "base64", b"q6urAA=="
    yield "lines", b"x-a-bin:q6ur,AA\nx-b: text \ngrpc-status-details-bin:CAU\n:path:/\nX:1"


def field(number, body):
    return bytes([number << 3 | 2, len(body)]) + body


def unpacking():
    yield "simple_request", b"\x10\x0a" + field(3, field(2, bytes(10))) + field(6, b"\x08\x01")
    yield "streaming_request", field(2, b"\x08\x0a\x10\x05") * 3 + field(3, field(2, bytes(10)))


def features():
    for number in range(1, 16):  # every low field of the message with every feature, each form
        yield f"varint_{number}", bytes([number << 3, 0x96, 1])
        yield f"fixed64_{number}", bytes([number << 3 | 1]) + bytes(range(8))
        yield f"bytes_{number}", field(number, b"\x08\x01")
        yield f"fixed32_{number}", bytes([number << 3 | 5]) + bytes(range(4))
    for number in range(16, 100):
        key = number << 3
        yield f"wide_{number}", bytes([key & 0x7F | 0x82, key >> 7, 2, 0x08, 0x01])
    yield "many", b"\x12\x00" * 500


def json():
    yield "all", b'{"a":[1,-2.5e3,true,false,null,"x\\u00e9\\ud83d\\ude08"],"b":{},"c":[]}'
    yield "deep", b"[" * 130 + b"]" * 130
    yield "twice", b'{"a":1,"a":2}'


def json_text():
    for name, document in json():
        yield name, WHOLE + document
    members = b",".join(b'"k%d":[%d.0,{"k":"\\/"}]' % (n, n) for n in range(20))
    for choice in range(0, 256, 5):
        yield f"edits_{choice}", bytes([choice]) + b"{" + members + b"}"
    yield "numbers", b"\x07[1e99999999999999999999,0.10e-3,-0,10000000000000000000000000e20,1.50]"
    yield "strings", b'\x03{"\\u0061\\/":"\\u000A\\ud83d\\ude00\\"","a":"\xc3\xa9\xf0\x9f\x98\x80"}'
    yield "spaces", b"\x11 { \"b\" : [ ] ,\t\"a\"\n:\r{ \"x\" : 1 , \"y\" : 2 } } "


def server_sent_events():
    plain = b"event: add\nid: 1\nretry: 10\ndata: a\ndata: b\n\n: hi\n\ndata: {}\n\nid\n"
    for choice in (0, 1, 9, 255):
        for name, end in (("feed", b"\n"), ("return", b"\r"), ("both", b"\r\n")):
            yield f"{name}_{choice}", bytes([choice]) + plain.replace(b"\n", end)
    yield "mark", b"\x01\xef\xbb\xbfdata: x\n\n\xef\xbbdata\n\n"
    yield "mixed", b"\x01data: x\n\r\n\rdata\r\n\rid: \0\n\n\r\r\n"
    yield "long", b"\x02data: " + b"x" * 300 + b"\n\n" + b": y\n" * 100


def gzip():
    for name, plain in (("none", b""), ("text", b"hello hello hello"), ("zeros", bytes(4000))):
        yield name, zlib.compress(plain, 9, wbits=31)
    yield "stored", zlib.compress(b"abc", 0, wbits=31)
    yield "bomb", zlib.compress(bytes(4 << 20), 9, wbits=31)
    yield "trailing", zlib.compress(b"abc", 9, wbits=31) + b"x"


CONFIGURATION = b"""mesh: {store: 'unix:/run/x.sock'}
log:
  level: debug
service:
  name: "a name"
  workers: 8
  trace: true
  call-timeout: 250ms
  cache_size: 64MiB
  tags: [a, b]
identity:
  uids: {store: 1, edge: 2}
a: {b: {c: 3}}
"""


def configuration():
    yield "all", CONFIGURATION
    yield "misspelt", b"servcie: {workers: 3}\nlog.level: loud\n"
    yield "wrong", b"service: {workers: 900, call-timeout: 5, cache_size: -1, trace: maybe}\n"
    yield "twice", b"log: {level: info}\nlog: {level: debug}\n"
    yield "secret", b"service: {key_file: /etc/passwd}\n"


def yaml():
    yield "all", CONFIGURATION
    yield "anchors", b"x: &a {b: 1}\ny: {<<: *a, c: *a}\nz: [*a, *a]\n"
    yield "laughs", b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c, *c, *c]\n"
    yield "deep", b"[" * 40 + b"]" * 40
    yield "styles", b"--- !!str |\n text\n...\n"
    yield "scalars", b"- 0x1f\n- 1e3\n- ~\n- \"\\u00e9\"\n- 'it''s'\n- >-\n  folded\n"


MESSAGES = rb"""{"model":"claude-haiku-4-5","max_tokens":64,"stream":true,"system":[{"type":
"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"user",
"content":[{"type":"text","text":"hi"},{"type":"document","source":{"type":"base64","media_type":
"application/pdf","data":"QUFB"}},{"type":"image","source":{"type":"url","url":"http://x"}}]}],
"tools":[{"name":"t","input_schema":{"type":"object"}},{"type":"web_search_20250305","name":
"web_search","max_uses":9223372036854775807}],"thinking":{"type":"enabled","budget_tokens":9}}"""
CHAT = rb"""{"model":"gpt-5.6-luna","n":9223372036854775807,"max_completion_tokens":5,"stream":true,
"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":
{"url":"data:image/png;base64,QUFB"}}]}],"response_format":{"type":"json_schema","json_schema":
{"name":"a","schema":{"type":"object"}}},"tools":[{"type":"function","function":{"name":"f"}}]}"""
RESPONSES = rb"""{"model":"gpt-5.6-sol","input":[{"role":"user","content":[{"type":"input_file",
"file_data":"data:application/pdf;base64,QUFB"}]}],"max_output_tokens":1,"tools":[{"type":
"web_search"}],"max_tool_calls":9223372036854775807,"previous_response_id":"r"}"""


def model_requests():
    for number, body in enumerate((MESSAGES, CHAT, RESPONSES)):
        yield "whole%d" % number, bytes([number]) + body
    yield "plain", b"\x00" + rb'{"model":"m","max_tokens":-1,"messages":"x"}'
    yield "huge", b"\x01" + rb'{"model":"m","max_tokens":1e300,"n":1e99,"messages":[]}'


REPLY = rb"""{"id":"m","type":"message","model":"c","content":[{"type":"text","text":"x"}],
"stop_reason":"end_turn","usage":{"input_tokens":9223372036854775807,"output_tokens":1,
"cache_read_input_tokens":9223372036854775807,"cache_creation_input_tokens":5,"cache_creation":
{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":1}}}"""
CHUNKS = b"""data: {"id":"c","model":"g","choices":[{"delta":{"content":"x"}}]}

data: {"id":"c","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":-1,
data: "prompt_tokens_details":{"cached_tokens":9}}}

data: [DONE]

"""
EVENTS = b"""event: message_start
data: {"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":5}}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"x"},"usage":{"output_tokens":1e30}}

event: error
data: {"type":"error","error":{"type":"overloaded_error","message":"no"}}

"""


def provider_replies():
    for number in range(3):
        yield "reply%d" % number, bytes([number, 0]) + REPLY
        yield "chunks%d" % number, bytes([number, 29]) + CHUNKS
        yield "events%d" % number, bytes([number, 129]) + EVENTS
    for name, text in (
            ("seconds", b"99999999999999999999"), ("date", b"Wed, 21 Oct 2099 07:28:00 GMT"),
            ("time", b"2099-01-01T00:00:00Z"), ("duration", b"6m0s"), ("less", b"-5"),
            ("spend", b'{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}')):
        yield name, b"\x01\x1d" + text + b"\n{}"


TARGETS = {
    "http2-server": http2_server, "http2-client": http2_client, "framing": framing,
    "metadata": metadata, "unpacking": unpacking, "features": features, "json": json, "gzip": gzip,
    "json-text": json_text, "server-sent-events": server_sent_events,
    "model-requests": model_requests, "provider-replies": provider_replies,
    "configuration": configuration, "yaml": yaml}


def main():
    folder = pathlib.Path(sys.argv[1])
    for target, inputs in TARGETS.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, data in inputs():
            (folder / target / name).write_bytes(data)


if __name__ == "__main__":
    main()
