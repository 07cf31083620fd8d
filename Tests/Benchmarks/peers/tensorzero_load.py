"""TensorZero's gateway, embedded in this process, asked as fast as it answers by a few callers.

    tensorzero_load.py ADDRESS CALLERS SECONDS MODEL BYTES

ADDRESS is host:port of a provider that speaks Chat Completions. Its accounting is off, since that
wants a ClickHouse. Prints one JSON line: calls, the processor seconds of this process (the callers
among them), and the middle of what a call took in microseconds.
"""

import asyncio
import json
import os
import resource
import sys
import tempfile
import time

from tensorzero import AsyncTensorZeroGateway

CONFIG = """
[gateway]
observability.enabled = false
[models.asked]
routing = ["provider"]
[models.asked.providers.provider]
type = "openai"
model_name = "{model}"
api_base = "http://{address}/v1/"
api_key_location = "env::PROVIDER_KEY"
"""


async def calls_of(gateway, caller, filling, until, took):
    while time.monotonic() < until:
        start = time.monotonic()
        message = {"role": "user", "content": f"{caller} {start} {filling}"}
        await gateway.inference(
            model_name="asked",
            input={"messages": [message]},
            params={"chat_completion": {"max_tokens": 64}},
        )
        took.append(time.monotonic() - start)


async def load(gateway, callers, seconds, size):
    took = []
    until = time.monotonic() + seconds
    filling = "abc " * (size // 4)
    await asyncio.gather(
        *[calls_of(gateway, caller, filling, until, took) for caller in range(callers)]
    )
    return sorted(took)


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def main():
    address, callers, seconds, model, size = sys.argv[1:6]
    os.environ["PROVIDER_KEY"] = "sim-bench"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tensorzero.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(model=model, address=address))
        gateway = await AsyncTensorZeroGateway.build_embedded(config_file=path)
        await load(gateway, int(callers), 0.5, int(size))
        before = processor_seconds()
        took = await load(gateway, int(callers), float(seconds), int(size))
        used = processor_seconds() - before
    print(
        json.dumps({"calls": len(took), "cpu_s": used, "call_p50_us": took[len(took) // 2] * 1e6}),
        flush=True,
    )


asyncio.run(main())
