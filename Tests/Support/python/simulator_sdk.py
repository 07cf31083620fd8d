"""The providers' own SDKs against a simulator: each case prints a line of JSON.

usage: simulator_sdk.py BASE_URL
"""

import base64
import json
import sys
import time

import anthropic
import openai

from simulator_wire import check, run

base = sys.argv[1]
claude = anthropic.Anthropic(base_url=base, api_key="sim-sdk", max_retries=0)
gpt = openai.OpenAI(base_url=base + "/v1", api_key="sim-sdk", max_retries=0)
OPUS = "claude-opus-5"
LUNA = "gpt-5.6-luna"
SCHEMA = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "score": {"type": "integer", "enum": [1, 2, 3]},
                },
                "required": ["id", "score"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["items"],
    "additionalProperties": False,
}
ITEMS = 'Score these: {"id": "a7"} {"id": "b8"} [ID: c9]'
TOOL = {
    "name": "grade",
    "description": "Gives a grade.",
    "input_schema": {
        "type": "object",
        "properties": {"grade": {"type": "string", "enum": ["good", "bad"]}},
        "required": ["grade"],
    },
}
cases = []


def case(function):
    cases.append(function)
    return function


def user(text):
    return [{"role": "user", "content": text}]


def refused(error, call):
    try:
        call()
    except error as refusal:
        return refusal
    raise AssertionError(f"not refused as {error.__name__}")


@case
def message():
    reply = claude.messages.create(model=OPUS, max_tokens=200, messages=user("hello"))
    check(reply.content[0].text and reply.stop_reason == "end_turn", reply)
    check(reply.usage.input_tokens > 0 and reply.usage.output_tokens > 0, reply.usage)
    again = claude.messages.create(model=OPUS, max_tokens=200, messages=user("hello"))
    check(again.content == reply.content and again.id != reply.id, "not deterministic")
    check(reply._request_id.startswith("req_"), reply._request_id)


@case
def message_stream():
    whole = claude.messages.create(model=OPUS, max_tokens=200, messages=user("hello"))
    kinds = []
    with claude.messages.stream(model=OPUS, max_tokens=200, messages=user("hello")) as stream:
        for event in stream:
            kinds.append(event.type)
        final = stream.get_final_message()
    check(final.content[0].text == whole.content[0].text, "stream differs")
    check(final.usage.output_tokens == whole.usage.output_tokens, final.usage)
    check(kinds.count("content_block_delta") > 1, kinds)


@case
def message_limit():
    reply = claude.messages.create(model=OPUS, max_tokens=3, messages=user("hello"))
    check(reply.stop_reason == "max_tokens" and reply.usage.output_tokens == 3, reply)


@case
def message_schema():
    reply = claude.messages.create(
        model=OPUS,
        max_tokens=500,
        messages=user(ITEMS),
        output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
    )
    items = json.loads(reply.content[0].text)["items"]
    check([item["id"] for item in items] == ["a7", "b8", "c9"], items)
    check(all(item["score"] in (1, 2, 3) for item in items), items)


@case
def message_tool():
    arguments = dict(
        model=OPUS,
        max_tokens=500,
        messages=user("grade it"),
        tools=[TOOL],
        tool_choice={"type": "tool", "name": "grade"},
    )
    reply = claude.messages.create(**arguments)
    check(reply.stop_reason == "tool_use", reply)
    check(reply.content[0].input["grade"] in ("good", "bad"), reply)
    with claude.messages.stream(**arguments) as stream:
        final = stream.get_final_message()
    check(final.content[0].input == reply.content[0].input, final)


@case
def message_document():
    data = base64.b64encode(b"%PDF-1.4 " + b"x" * 120_000).decode()
    document = {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": data},
    }
    content = [document, {"type": "text", "text": "read it"}]
    body = dict(model=OPUS, messages=[{"role": "user", "content": content}])
    counted = claude.messages.count_tokens(**body).input_tokens
    reply = claude.messages.create(max_tokens=100, **body)
    check(counted == reply.usage.input_tokens and counted > 6000, counted)


@case
def message_cache():
    system = [{"type": "text", "text": "rule " * 2000, "cache_control": {"type": "ephemeral"}}]
    body = dict(model=OPUS, max_tokens=50, system=system)
    first = claude.messages.create(messages=user("one"), **body).usage
    second = claude.messages.create(messages=user("two"), **body).usage
    check(first.cache_creation_input_tokens > 2000 and first.cache_read_input_tokens == 0, first)
    check(second.cache_read_input_tokens == first.cache_creation_input_tokens, second)
    check(first.cache_creation.ephemeral_5m_input_tokens == second.cache_read_input_tokens, first)


@case
def message_refusals():
    bad = refused(
        anthropic.BadRequestError,
        lambda: claude.messages.create(
            model=OPUS, max_tokens=10, messages=user("x"), extra_body={"temperature": 0.5}
        ),
    )
    check(bad.body["error"]["type"] == "invalid_request_error", bad.body)
    refused(
        anthropic.NotFoundError,
        lambda: claude.messages.create(model="claude-none", max_tokens=1, messages=user("x")),
    )
    stranger = anthropic.Anthropic(base_url=base, api_key="wrong", max_retries=0)
    refused(
        anthropic.AuthenticationError,
        lambda: stranger.messages.create(model=OPUS, max_tokens=1, messages=user("x")),
    )


@case
def message_batch():
    requests = [
        {
            "custom_id": f"call-{index}",
            "params": {"model": OPUS, "max_tokens": 100, "messages": user(f"item {index}")},
        }
        for index in range(3)
    ]
    requests.append({"custom_id": "bad", "params": {"model": OPUS, "messages": user("x")}})
    batch = claude.messages.batches.create(requests=requests)
    deadline = time.monotonic() + 10
    while batch.processing_status != "ended":
        check(time.monotonic() < deadline, batch)
        batch = claude.messages.batches.retrieve(batch.id)
    check(batch.request_counts.succeeded == 3 and batch.request_counts.errored == 1, batch)
    results = {entry.custom_id: entry.result for entry in claude.messages.batches.results(batch.id)}
    check(set(results) == {"call-0", "call-1", "call-2", "bad"}, results)
    plain = claude.messages.create(model=OPUS, max_tokens=100, messages=user("item 1"))
    check(results["call-1"].message.content == plain.content, results)
    check(results["bad"].type == "errored", results)
    check(batch.id in [listed.id for listed in claude.messages.batches.list()], "not listed")


@case
def anthropic_models():
    names = [model.id for model in claude.models.list()]
    check(OPUS in names and not any(name.startswith("gpt") for name in names), names)
    check(claude.models.retrieve(OPUS).id == OPUS, "retrieve")


@case
def chat():
    reply = gpt.chat.completions.create(model=LUNA, messages=user("hello"))
    check(reply.choices[0].message.content and reply.choices[0].finish_reason == "stop", reply)
    usage = reply.usage
    check(usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, reply)


@case
def chat_stream():
    whole = gpt.chat.completions.create(model=LUNA, messages=user("hello"))
    stream = gpt.chat.completions.create(
        model=LUNA, messages=user("hello"), stream=True, stream_options={"include_usage": True}
    )
    text, usage, chunks = "", None, 0
    for chunk in stream:
        chunks += 1
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
    check(text == whole.choices[0].message.content and chunks > 3, text)
    check(usage == whole.usage, usage)


@case
def chat_schema():
    reply = gpt.chat.completions.create(
        model=LUNA,
        messages=user(ITEMS),
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "scores", "strict": True, "schema": SCHEMA},
        },
    )
    items = json.loads(reply.choices[0].message.content)["items"]
    check([item["id"] for item in items] == ["a7", "b8", "c9"], items)


@case
def chat_tool():
    tool = {
        "type": "function",
        "function": {"name": "grade", "parameters": TOOL["input_schema"]},
    }
    arguments = dict(
        model=LUNA, messages=user("grade it"), tools=[tool], tool_choice="required"
    )
    reply = gpt.chat.completions.create(**arguments)
    call = reply.choices[0].message.tool_calls[0]
    check(json.loads(call.function.arguments)["grade"] in ("good", "bad"), call)
    check(reply.choices[0].finish_reason == "tool_calls", reply)
    with gpt.chat.completions.stream(**arguments) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    again = final.choices[0].message.tool_calls[0]
    check(again.function.arguments == call.function.arguments, final)


@case
def chat_cache():
    body = dict(model=LUNA, messages=[{"role": "system", "content": "rule " * 2000}] + user("one"))
    first = gpt.chat.completions.create(**body).usage
    second = gpt.chat.completions.create(**body).usage
    check(first.prompt_tokens_details.cached_tokens == 0, first)
    cached = second.prompt_tokens_details.cached_tokens
    check(cached >= 1024 and cached % 128 == 0 and second.prompt_tokens >= cached, second)


@case
def chat_refusals():
    bad = refused(
        openai.BadRequestError,
        lambda: gpt.chat.completions.create(model=LUNA, messages=[]),
    )
    check(bad.code == "empty_array" and bad.param == "messages", bad.body)
    missing = refused(
        openai.NotFoundError,
        lambda: gpt.chat.completions.create(model="gpt-none", messages=user("x")),
    )
    check(missing.code == "model_not_found", missing.body)
    stranger = openai.OpenAI(base_url=base + "/v1", api_key="wrong", max_retries=0)
    refused(
        openai.AuthenticationError,
        lambda: stranger.chat.completions.create(model=LUNA, messages=user("x")),
    )


@case
def responses():
    reply = gpt.responses.create(model=LUNA, input="hello", instructions="be brief")
    check(reply.output_text and reply.status == "completed", reply)
    kinds = []
    with gpt.responses.stream(model=LUNA, input="hello", instructions="be brief") as stream:
        for event in stream:
            kinds.append(event.type)
        final = stream.get_final_response()
    check(final.output_text == reply.output_text, final)
    check(kinds[0] == "response.created" and kinds[-1] == "response.completed", kinds)
    check(final.usage == reply.usage, final.usage)


@case
def responses_schema():
    reply = gpt.responses.create(
        model=LUNA,
        input=ITEMS,
        text={
            "format": {"type": "json_schema", "name": "scores", "strict": True, "schema": SCHEMA}
        },
    )
    items = json.loads(reply.output_text)["items"]
    check([item["id"] for item in items] == ["a7", "b8", "c9"], items)


@case
def responses_tool():
    schema = TOOL["input_schema"]
    tool = {"type": "function", "name": "grade", "parameters": schema, "strict": False}
    arguments = dict(model=LUNA, input="grade it", tools=[tool], tool_choice="required")
    reply = gpt.responses.create(**arguments)
    call = reply.output[0]
    check(call.type == "function_call" and "grade" in json.loads(call.arguments), reply)
    with gpt.responses.stream(**arguments) as stream:
        for _ in stream:
            pass
        final = stream.get_final_response()
    check(final.output[0].arguments == call.arguments, final)


@case
def openai_batch():
    lines = [
        {
            "custom_id": f"call-{index}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": LUNA, "messages": user(f"item {index}")},
        }
        for index in range(3)
    ]
    lines.append(dict(lines[0], custom_id="bad", body={"model": LUNA}))
    content = "\n".join(json.dumps(line) for line in lines).encode()
    file = gpt.files.create(file=("calls.jsonl", content), purpose="batch")
    batch = gpt.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    deadline = time.monotonic() + 10
    while batch.status != "completed":
        check(time.monotonic() < deadline, batch)
        batch = gpt.batches.retrieve(batch.id)
    check(batch.request_counts.completed == 3 and batch.request_counts.failed == 1, batch)
    output = gpt.files.content(batch.output_file_id).text
    results = {entry["custom_id"]: entry for entry in map(json.loads, output.splitlines())}
    check(set(results) == {"call-0", "call-1", "call-2"}, results)
    plain = gpt.chat.completions.create(model=LUNA, messages=user("item 2"))
    text = results["call-2"]["response"]["body"]["choices"][0]["message"]["content"]
    check(text == plain.choices[0].message.content, text)
    errors = gpt.files.content(batch.error_file_id).text
    check('"bad"' in errors, errors)


@case
def openai_models():
    names = [model.id for model in gpt.models.list()]
    check(LUNA in names and not any(name.startswith("claude") for name in names), names)
    check(gpt.models.retrieve(LUNA).id == LUNA, "retrieve")


run(cases)
