"""The simulator's laws, seen from a socket: caches, limits, bills, refusals.

usage: simulator_laws.py HOST PORT
"""

import json
import sys
import threading
import time

from simulator_wire import HEADERS, OPUS, PATHS, Simulator, abort, body_of, check, run

simulator = Simulator(sys.argv[1], int(sys.argv[2]))
cases = []
LONG = "rule " * 2000
MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def case(function):
    cases.append(function)
    return function


def cached(text="one", mark=MARK, system=LONG, **more):
    block = {"type": "text", "text": system, "cache_control": mark}
    reply = simulator.call(text=text, system=[block], **more)
    check(reply.status == 200, reply.raw)
    return reply.json()["usage"]


def advance(seconds):
    check(simulator.ask("POST", "/control/clock", {"advance_s": seconds}).status == 200)


# Refusals of the providers


@case
def requests_that_anthropic_refuses():
    def block(text, **more):
        return {"type": "text", "text": text, **more}

    tool = {"name": "t", "input_schema": {"type": "object"}}
    loose = {"type": "object", "properties": {}}
    bounded = {"type": "integer", "minimum": 1}
    for change, message in [
        ({"max_tokens": 0, "stream": True}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 10_000_000}, "max_tokens"),
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": ""}]}, "non-empty"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "first message must"),
        ({"top_k": 5}, "deprecated"),
        ({"system": [block("x", cache_control=MARK)] * 5}, "maximum of 4 blocks"),
        (
            {"system": [block("x", cache_control=MARK), block("y", cache_control=HOUR)]},
            "must not come after",
        ),
        ({"tool_choice": {"type": "any"}}, "while providing tools"),
        ({"tools": [tool, tool]}, "unique"),
        ({"tools": [{"name": "t"}]}, "input_schema"),
        ({"tools": [tool], "tool_choice": {"type": "tool", "name": "u"}}, "not found"),
        ({"output_config": {"format": {"type": "json_schema", "schema": loose}}}, "additionalProp"),
        ({"output_config": {"format": {"type": "json_schema", "schema": bounded}}}, "minimum"),
    ]:
        reply = simulator.call(**change)
        check(reply.status == 400, (change, reply.raw))
        error = reply.json()
        check(error["error"]["type"] == "invalid_request_error", error)
        check(message in error["error"]["message"], error)
        check(error["request_id"] == reply.headers["request-id"], error)
    prefill = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "{"}]
    check(simulator.call(messages=prefill).status == 400)
    check(simulator.call(messages=prefill, model="claude-haiku-4-5").status == 200)
    check(simulator.call(max_tokens=0).json()["content"] != None)
    malformed = simulator.ask("POST", "/v1/messages", b'{"model": }', HEADERS)
    check("line 1, column 11" in malformed.json()["error"]["message"], malformed.raw)
    check(simulator.ask("POST", "/v1/messages", {}, {"x-api-key": "sim-a"}).status == 400)
    huge = simulator.ask("POST", "/v1/messages", b" " * ((32 << 20) + 1), HEADERS)
    check(huge.status == 413 and huge.json()["error"]["type"] == "request_too_large", huge.raw)


@case
def requests_that_openai_refuses():
    closed = {"type": "object", "additionalProperties": False}
    optional = {**closed, "properties": {"a": {"type": "string"}}}

    def schema(value):
        holder = {"name": "n", "strict": True, "schema": value}
        return {"type": "json_schema", "json_schema": holder}

    for change, code, param in [
        ({"messages": None}, "invalid_type", "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "invalid_value", "messages[0].role"),
        ({"max_tokens": 0}, "integer_below_min_value", "max_tokens"),
        ({"response_format": schema(optional)}, None, "response_format"),
        ({"response_format": schema({"type": "array"})}, None, "response_format"),
        ({"tool_choice": "required"}, None, "tool_choice"),
        ({"stream_options": {"include_usage": True}}, None, "stream_options"),
    ]:
        reply = simulator.call("chat", **change)
        error = reply.json()["error"]
        check(reply.status == 400 and error["code"] == code, (change, error))
        check(error["param"] == param and error["type"] == "invalid_request_error", error)
    check(simulator.call("responses", input=None).status == 400)


# Prompt caches


@case
def a_prefix_is_read_once_its_writer_has_begun():
    simulator.script(latency={"first_ms": 150})
    usages = []
    threads = [
        threading.Thread(target=lambda i=i: usages.append(cached(f"q{i}"))) for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(all(usage["cache_read_input_tokens"] == 0 for usage in usages), usages)
    check(all(usage["cache_creation_input_tokens"] > 2000 for usage in usages), usages)
    check(cached("later")["cache_read_input_tokens"] > 2000)


@case
def entries_live_five_minutes_or_an_hour_and_anew_with_each_hit():
    for mark, life in [(MARK, 300), (HOUR, 3600)]:
        text = f"{LONG} {life}"
        first = cached(mark=mark, system=text)
        kind = "ephemeral_1h_input_tokens" if mark is HOUR else "ephemeral_5m_input_tokens"
        check(first["cache_creation"][kind] == first["cache_creation_input_tokens"] > 0, first)
        for _ in range(3):
            advance(life - 30)
            check(cached(mark=mark, system=text)["cache_read_input_tokens"] > 0, "forgotten")
        advance(life + 1)
        again = cached(mark=mark, system=text)
        check(again["cache_read_input_tokens"] == 0, again)


@case
def a_cache_knows_keys_models_minimums_and_bytes():
    cached()
    other = simulator.call(
        headers={"x-api-key": "sim-other"},
        system=[{"type": "text", "text": LONG, "cache_control": MARK}],
    ).json()["usage"]
    check(other["cache_read_input_tokens"] == 0, other)
    check(cached(model="claude-opus-4-8")["cache_read_input_tokens"] == 0, "another model")
    check(cached(system=LONG + "!")["cache_read_input_tokens"] == 0, "another prefix")
    schema = {"type": "object", "additionalProperties": False}
    choice = {"format": {"type": "json_schema", "schema": schema}}
    check(cached(output_config=choice)["cache_read_input_tokens"] == 0, "another format")
    for _ in range(2):
        small = cached(system="short " * 100)
        check(small["cache_creation_input_tokens"] == small["cache_read_input_tokens"] == 0, small)
    check(cached("two")["cache_read_input_tokens"] > 0, "the first is still there")


@case
def totals_do_not_depend_on_the_cache():
    counted = simulator.ask(
        "POST", "/v1/messages/count_tokens",
        {"model": OPUS, "system": LONG, "messages": [{"role": "user", "content": "one"}]}, HEADERS,
    ).json()["input_tokens"]
    for _ in range(2):
        usage = cached()
        total = usage["input_tokens"] + usage["cache_creation_input_tokens"]
        check(total + usage["cache_read_input_tokens"] == counted, usage)


@case
def lookback_is_twenty_blocks():
    def ask(count):
        blocks = [{"type": "text", "text": f"{i} " + "w " * 500} for i in range(count)]
        blocks[-1]["cache_control"] = MARK
        usage = simulator.call(messages=[{"role": "user", "content": blocks}]).json()["usage"]
        return usage["cache_read_input_tokens"]

    ask(5)
    check(ask(24) > 0, "within 20")
    simulator.reset()
    ask(5)
    check(ask(25) == 0, "beyond 20")


@case
def openai_caches_by_itself_in_steps():
    def ask(tail, model="gpt-5.6-luna"):
        usage = simulator.call("chat", text=LONG + tail, model=model).json()["usage"]
        return usage["prompt_tokens"], usage["prompt_tokens_details"]

    total, first = ask("a" * 100)
    check(first["cached_tokens"] == 0 and 1024 < first["cache_write_tokens"] <= total, first)
    again, second = ask("b" * 3000)
    check(second["cached_tokens"] % 128 == 0 and 2400 <= second["cached_tokens"] <= 2560, second)
    check(second["cached_tokens"] + second["cache_write_tokens"] <= again, second)
    check("cache_write_tokens" not in ask("", "gpt-5")[1], "gpt-5 bills no writes")
    advance(1801)
    check(ask("b" * 3000)[1]["cached_tokens"] == 0, "after half an hour")


# Limits


@case
def requests_a_minute_are_counted_and_said():
    simulator.script(limits={"*": {"rpm": 3, "window_ms": 60_000}})
    replies = [simulator.call() for _ in range(4)]
    check([reply.status for reply in replies] == [200, 200, 200, 429], replies)
    left = [reply.headers["anthropic-ratelimit-requests-remaining"] for reply in replies[:3]]
    check(left == ["2", "1", "0"], left)
    check(1 <= int(replies[3].headers["retry-after"]) <= 20, replies[3].headers)
    check(replies[3].json()["error"]["type"] == "rate_limit_error", replies[3].raw)
    check(simulator.call(headers={"x-api-key": "sim-b"}).status == 200, "another key")
    advance(21)
    check(simulator.call().status == 200, "after its wait")
    openai = [simulator.call("chat") for _ in range(4)][-1]
    check(openai.status == 429 and openai.json()["error"]["code"] == "rate_limit_exceeded")
    check(openai.headers["x-ratelimit-reset-requests"].endswith("s"), openai.headers)


@case
def cached_reads_are_free_and_max_tokens_are_not():
    simulator.script(limits={"*": {"itpm": 4000}})
    check(cached()["cache_creation_input_tokens"] > 2000)
    for index in range(5):
        check(cached(f"q{index}")["cache_read_input_tokens"] > 2000, "reads do not count")
    check(simulator.call(text=LONG).status == 429, "fresh input does")
    simulator.script(limits={"*": {"otpm": 60}})
    replies = [simulator.call(text=f"t{index}").status for index in range(4)]
    check(replies[0] == 200 and replies[-1] == 429, replies)
    simulator.script(limits={"*": {"tpm": 1000}})
    check(simulator.call("chat", max_tokens=900).status == 200)
    check(simulator.call("chat", max_tokens=900).status == 429, "charged up front")


# Bills, logs, time


@case
def the_bill_has_each_call_once_at_its_price():
    before = simulator.bill()
    usage = cached(headers={"x-assay-call-key": "k1", "x-assay-attempt": "2"})
    streamed = simulator.call(stream=True)
    refused = simulator.call(max_tokens=-1)
    lines = {name: line for name, line in simulator.bill().items() if name not in before}
    check(len(lines) == 2 and simulator.billed(refused) is None, lines)
    first = next(line for line in lines.values() if line["call_key"] == "k1")
    check(first["attempt"] == "2" and first["key"] == "sim-raw" and first["status"] == 200, first)
    cost = 5000 * usage["input_tokens"] + 6250 * usage["cache_creation_input_tokens"]
    check(first["cost_nanos"] == cost + 25_000 * usage["output_tokens"], first)
    line = simulator.billed(streamed)
    last = [event for event in streamed.events() if event["type"] == "message_delta"][0]
    check(line["usage"]["output"] == last["usage"]["output_tokens"], line)
    check(line["phase"] == "end", line)


@case
def a_stream_that_is_cut_is_billed_for_what_was_made():
    whole = simulator.call().json()["usage"]["output_tokens"]
    simulator.script(latency={"per_token_ms": 20})
    for end in (abort, lambda connection: connection.close()):
        with simulator.connect() as connection:
            connection.sendall(simulator.request("POST", "/v1/messages", body_of(stream=True)))
            reply = Simulator.read(connection, until=b"content_block_delta")
            end(connection)
        deadline = time.monotonic() + 5
        while simulator.billed(reply)["phase"] == "start":
            check(time.monotonic() < deadline, "never billed")
        output = simulator.billed(reply)["usage"]["output"]
        check(0 < output < whole, (output, whole))


@case
def the_log_says_who_was_in_flight():
    simulator.script(latency={"first_ms": 100})
    threads = [threading.Thread(target=simulator.call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = simulator.lines("/control/log")
    check(sorted(line["in_flight"] for line in lines) == [0, 1, 2], lines)
    for line in lines:
        check(line["finished_ns"] - line["arrival_ns"] >= 100_000_000, line)
        check(line["status"] == 200 and line["model"] == OPUS and line["usage"]["output"], line)


@case
def tokens_take_their_time():
    simulator.script(latency={"first_ms": 50, "per_token_ms": 2})
    for stream in (False, True):
        start = time.monotonic()
        reply = simulator.call(stream=stream)
        took = time.monotonic() - start
        output = simulator.billed(reply)["usage"]["output"]
        check(took >= 0.05 + 0.002 * output, took)


@case
def rules_choose_their_calls():
    refuse = {"fault": "server-error"}
    simulator.script({**refuse, "match": {"contains": "POISON"}})
    check([simulator.call(text=t).status for t in ("a", "a POISON b")] == [200, 500])
    simulator.script({**refuse, "match": {"calls": [2, 3]}})
    check([simulator.call().status for _ in range(4)] == [200, 500, 500, 200])
    simulator.script({**refuse, "times": 1, "match": {"model": "gpt-5", "every": 2}})
    replies = [simulator.call("chat").status for _ in range(3)] + [simulator.call().status]
    check(replies == [500, 200, 200, 200], replies)
    simulator.script({**refuse, "match": {"header": {"name": "X-Test", "value": "1"}}})
    check(simulator.call(headers={"x-test": "1"}).status == 500 and simulator.call().status == 200)
    runs = []
    for _ in range(2):
        simulator.script({**refuse, "probability": 0.5}, seed=7)
        runs.append([simulator.call().status for _ in range(40)])
    check(runs[0] == runs[1] and 5 < runs[0].count(500) < 35, runs)
    report = json.loads(simulator.ask("GET", "/control/script").body)[0]
    check(report["seen"] == 40 and report["struck"] == runs[1].count(500), report)
    for wrong in ({"rules": [{"fault": "none"}]}, {"rules": [{"fualt": "close"}]}, {"rule": []}):
        reply = simulator.ask("POST", "/control/script", wrong)
        check(reply.status == 400 and reply.json()["problem"], reply.raw)


@case
def streams_say_what_plain_answers_say():
    for dialect in PATHS:
        check(simulator.call(dialect).text() == simulator.call(dialect, stream=True).text())


run(cases, simulator.reset)
