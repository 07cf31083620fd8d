"""Every fault of the simulator, seen from a socket: each case prints a line of JSON.

usage: simulator_faults.py HOST PORT
"""

import email.utils
import json
import sys
import time

from simulator_wire import Simulator, check, unpacked

simulator = Simulator(sys.argv[1], int(sys.argv[2]))
DIALECTS = ["messages", "chat", "responses"]
SCHEMA = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "score": {"type": "integer"},
                    "verdict": {"type": "string", "enum": ["yes", "no"]},
                },
                "required": ["id", "score", "verdict"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["items"],
    "additionalProperties": False,
}
FORMAT = {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
ITEMS = 'Score {"id": "a"} {"id": "b"} {"id": "c"} {"id": "d"}'
IDS = ["a", "b", "c", "d"]
cases = {}


def case(*names):
    def keep(function):
        for name in names:
            cases[name] = function
        return function

    return keep


def both(name, silence=None, dialects=DIALECTS, **options):
    """The fault in each dialect, plain and streamed."""
    simulator.fault(name, **options)
    for dialect in dialects:
        for stream in (False, True):
            yield simulator.call(dialect, silence=silence, stream=stream)


def streams(name, silence=None, **options):
    simulator.fault(name, **options)
    for dialect in DIALECTS:
        yield dialect, simulator.call(dialect, silence=silence, stream=True)


STATUSES = {
    "rate-limit": 429,
    "rate-limit-junk": 429,
    "rate-limit-reset": 429,
    "bad-request": 400,
    "unauthorized": 401,
    "billing": 402,
    "forbidden": 403,
    "not-found": 404,
    "conflict": 409,
    "too-large": 413,
    "server-error": 500,
    "timeout": 504,
    "status": 418,
}


@case(*STATUSES)
def status(name):
    for reply in both(name, **({"status": 418} if name == "status" else {})):
        check(reply.status == STATUSES[name], reply.raw)
        check(reply.json()["error"]["type"], reply.raw)
        check(simulator.billed(reply) is None, "a refusal was billed")


@case("rate-limit-seconds", "rate-limit-float", "rate-limit-date", "rate-limit-ms", "slow-down")
def retry_after(name):
    for reply in both(name, seconds=2.5):
        value = reply.headers["retry-after"]
        if name == "rate-limit-float":
            check(float(value) == 2.5, value)
        elif name == "rate-limit-date":
            when = email.utils.parsedate_to_datetime(value).timestamp()
            check(0 < when - time.time() <= 4, value)
        else:
            check(value == "3", value)
        if name == "rate-limit-ms":
            check(reply.headers["retry-after-ms"] == "2500", reply.raw)
        check(reply.status == 429, reply.raw)


@case("spend-limit", "usage-limit", "insufficient-quota")
def spent(name):
    for reply in both(name, dialects=["messages"]):
        check(reply.status == (400 if name == "usage-limit" else 429), reply.raw)
        check("retry-after" not in reply.headers, reply.raw)
    for reply in both(name, dialects=["chat"]):
        check(reply.json()["error"]["type"] == "insufficient_quota", reply.raw)


@case("overloaded")
def overloaded(name):
    simulator.fault(name)
    check(simulator.call("messages").status == 529)
    check(simulator.call("chat").status == 503)


@case("bad-gateway", "unavailable", "error-junk", "redirect")
def pages(name):
    want = {"bad-gateway": 502, "unavailable": 503, "error-junk": 500, "redirect": 302}
    for reply in both(name):
        check(reply.status == want[name], reply.raw)
        if name == "redirect":
            check(reply.headers["location"].startswith("http://169.254.169.254/"), reply.raw)


@case("never-answers", "continue-flood")
def silence(name):
    for reply in both(name, silence=0.2, dialects=["messages"]):
        check(reply.ending == "silent", reply.ending)
        check(reply.raw.count(b"100 Continue") in (0, 1000), reply.raw[:100])


@case("close", "reset", "half-close", "bad-status-line", "header-flood")
def broken(name):
    for reply in both(name, dialects=["chat"]):
        check(reply.ending == ("reset" if name == "reset" else "closed"), reply.ending)
        check(reply.status == 0 or name == "header-flood", reply.raw[:100])
        check(name != "header-flood" or len(reply.raw) >= 16 << 20, len(reply.raw))


@case("head-only", "length-too-long", "body-cut", "no-last-chunk", "body-reset")
def not_whole(name):
    for reply in both(name, silence=0.2 if name == "head-only" else None, dialects=["messages"]):
        check(reply.status == 200 and not reply.is_whole, reply.raw)
        endings = {"head-only": "silent", "body-reset": "reset"}
        check(reply.ending == endings.get(name, "closed"), reply.ending)
        check(simulator.billed(reply)["usage"]["output"] > 0, "not billed")


@case("length-too-short", "duplicate-length", "bad-chunk")
def framing(name):
    for reply in both(name, silence=0.3, dialects=["messages"]):
        check(reply.status == 200, reply.raw)
        if name == "length-too-short":
            check(len(reply.rest) > reply.lengths[0], reply.raw)
        elif name == "duplicate-length":
            check(len(set(reply.lengths)) == 2, reply.lengths)
        else:
            check(reply.rest.startswith(b"zz\r\n"), reply.raw)


@case("slow-drip")
def drip(name):
    start = time.monotonic()
    for reply in both(name, dialects=["messages"], delay_ms=1):
        check(reply.is_whole and reply.text(), reply.raw)
    check(time.monotonic() - start > 0.5, "not slow")


@case("gzip-bomb")
def bomb(name):
    for reply in both(name, dialects=["messages"], bytes=1 << 24):
        check(len(reply.body) < 1 << 20 and len(unpacked(reply)) == 1 << 24, len(reply.body))


@case("huge-body")
def huge(name):
    for reply in both(name, dialects=["chat"], bytes=5_000_000):
        check(len(reply.body) > 5_000_000 and reply.is_whole, len(reply.body))


@case("garbage", "json-cut", "empty-body", "html", "invalid-utf8")
def no_json(name):
    for reply in both(name):
        check(reply.status == 200 and reply.is_whole, reply.raw)
        try:
            reply.json()
        except ValueError:
            continue
        raise AssertionError("it is JSON")


@case("extra-answer")
def extra(name):
    for reply in both(name, dialects=["messages"]):
        check(reply.rest[reply.lengths[0] :].startswith(b"HTTP/1.1 200"), reply.raw)


@case("stream-error", "stream-overloaded")
def stream_error(name):
    for _, reply in streams(name, after=1):
        last = reply.events()[-1]
        check("error" in last or last["type"] == "error", last)
        check(reply.is_whole and reply.text(), reply.raw)
        check(0 < simulator.billed(reply)["usage"]["output"] < 10, simulator.billed(reply))


@case("stream-truncated", "stream-no-end", "stream-garbage")
def stream_short(name):
    for _, reply in streams(name):
        check(reply.is_whole and b"[DONE]" not in reply.raw, reply.raw)
        for word in (b"message_stop", b"response.completed"):
            check(word not in reply.raw, reply.raw)


@case("stream-cut", "stream-reset", "stream-half-close", "stream-stall")
def stream_cut(name):
    ending = {"stream-reset": "reset", "stream-stall": "silent"}.get(name, "closed")
    for _, reply in streams(name, silence=0.3):
        check(reply.ending == ending and not reply.is_whole, reply.ending)
        check(simulator.billed(reply)["phase"] == "end", simulator.billed(reply))


@case("stream-endless")
def endless(name):
    simulator.fault(name, delay_ms=1)
    with simulator.connect() as connection:
        connection.sendall(simulator.request("POST", "/v1/messages", {
            "model": "claude-opus-5", "max_tokens": 9, "stream": True,
            "messages": [{"role": "user", "content": "x"}]}))
        raw = b""
        while raw.count(b"content_block_delta") < 400:
            raw += connection.recv(1 << 16)


@case("stream-pings", "stream-unknown-events", "stream-duplicate-delta", "stream-swapped-deltas")
def stream_bent(name):
    for dialect, reply in streams(name):
        simulator.reset()
        plain = simulator.call(dialect).text()
        simulator.fault(name)
        text = reply.text()
        same = name in ("stream-pings", "stream-unknown-events")
        check((text == plain) == same, text)
        check(name != "stream-pings" or reply.raw.count(b"ping") >= 1000, "no pings")


@case("stream-long-line")
def long_line(name):
    for _, reply in streams(name, bytes=3_000_000):
        check(max(len(line) for line in reply.body.split(b"\n")) >= 3_000_000, "short lines")


def answer(name, **options):
    """A structured answer with the fault, as text."""
    simulator.fault(name, **options)
    plain = simulator.call(text=ITEMS, **FORMAT)
    streamed = simulator.call(text=ITEMS, stream=True, **FORMAT)
    # A fault that takes one of the items may take another in the second call.
    same = plain.text() == streamed.text() or name.endswith(("-item", "-items"))
    check(plain.status == 200 and same, streamed.raw)
    return plain


@case("refusal", "max-tokens", "empty-content")
def stopped(name):
    for dialect in DIALECTS:
        simulator.fault(name, after=3)
        value = simulator.call(dialect).json()
        text = json.dumps(value)
        if name == "refusal":
            check('"refusal"' in text, text)
        elif name == "max-tokens":
            check("max_tokens" in text or "length" in text or "incomplete" in text, text)
        elif dialect == "messages":
            check(value["content"] == [], text)


@case("fenced", "prosed", "single-quoted", "not-json", "poison", "nan", "deep")
def no_answer(name):
    text = answer(name).text()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    check(name == "nan" and any(item["score"] != item["score"] for item in value["items"]), text)


@case("out-of-range", "extra-keys", "missing-keys", "wrong-types", "enum-case", "duplicate-keys")
def wrong_answer(name):
    pairs = []
    value = json.loads(answer(name).text(), object_pairs_hook=lambda p: pairs.append(p) or dict(p))
    items = value.get("items", [])
    check(
        {
            "out-of-range": lambda: items[0]["score"] == 987654321,
            "extra-keys": lambda: "unasked" in value,
            "missing-keys": lambda: "items" not in value,
            "wrong-types": lambda: isinstance(items[0]["score"], str),
            "enum-case": lambda: items[0]["verdict"] in ("YES", "NO"),
            "duplicate-keys": lambda: len(pairs[-1]) > len(dict(pairs[-1])),
        }[name](),
        value,
    )


@case(
    "drop-item", "duplicate-item", "extra-item", "shift-items", "swap-items", "renumber-items",
    "empty-items",
)
def items(name):
    simulator.reset()
    true = json.loads(simulator.call(text=ITEMS, **FORMAT).text())["items"]
    check([item["id"] for item in true] == IDS, true)
    bent = json.loads(answer(name).text())["items"]
    ids = [item["id"] for item in bent]
    scores = [item["score"] for item in bent]
    check(
        {
            "drop-item": lambda: len(ids) == 3 and set(ids) < set(IDS),
            "duplicate-item": lambda: len(ids) == 5 and set(ids) == set(IDS),
            "extra-item": lambda: ids == IDS + ["unasked-1"],
            "shift-items": lambda: ids == IDS[1:] + IDS[:1],
            "swap-items": lambda: sorted(ids) == IDS and sum(a != b for a, b in zip(ids, IDS)) == 2,
            "renumber-items": lambda: ids == ["1", "2", "3", "4"],
            "empty-items": lambda: ids == [],
        }[name](),
        ids,
    )
    if name in ("shift-items", "swap-items", "renumber-items"):
        check(scores == [item["score"] for item in true], "scores moved with their ids")


@case("wrong-model")
def wrong_model(name):
    for dialect in DIALECTS:
        simulator.fault(name, text="gpt-2")
        check(simulator.call(dialect).json()["model"] == "gpt-2")


@case("usage-missing", "usage-zero", "usage-absurd", "usage-shrinking")
def usage(name):
    for dialect in DIALECTS:
        simulator.fault(name)
        reply = simulator.call(dialect)
        shown = reply.json().get("usage") or {}
        numbers = [value for key, value in shown.items() if key.endswith("put_tokens")]
        if name == "usage-missing":
            check(not shown, shown)
        elif name == "usage-zero":
            check(not any(numbers), shown)
        elif name == "usage-absurd":
            check(not numbers or 2**63 in numbers, shown)
        check(simulator.billed(reply)["usage"]["output"] > 0, "the bill must stay true")


@case("delay")
def delay(name):
    start = time.monotonic()
    for reply in both(name, dialects=["messages"], delay_ms=60):
        check(reply.is_whole)
    check(time.monotonic() - start >= 0.12, "too early")


table = json.loads(simulator.ask("GET", "/control/faults").body)
cases.update({entry["fault"]: None for entry in table if entry["fault"] not in cases})
for name, function in cases.items():
    try:
        check(function is not None, "nobody looks at this fault")
        check(any(entry["fault"] == name for entry in table), "not in the table")
        simulator.reset()
        function(name)
        simulator.reset()
        after = simulator.call()
        check(after.status == 200 and after.text(), "the next call is not healthy")
        line = {"case": name, "ok": True, "detail": ""}
    except Exception as error:  # each case answers for itself
        line = {"case": name, "ok": False, "detail": f"{type(error).__name__}: {error}"}
    print(json.dumps(line), flush=True)
