"""Attacks a gRPC server with raw frames; one line of JSON per attack.

    hostile_client.py --server unix:/tmp/x.sock --pid 4711
    hostile_client.py --server 127.0.0.1:50051 --attack rapid_reset --attack header_bomb
    hostile_client.py --server … --group slow --patience 15

While an attack runs, and after it, a second connection in a process of its own makes good calls
all the time: none may fail. `outcome` is what settled the attack: goaway:CODE, closed,
reset:CODE, status:CODE, http:STATUS, alive (the connection still answers), silent, waiting,
left; `answered` is every frame that came back. The server must hold grpc.testing.TestService.
"""

import argparse
import fnmatch
import json
import random
import sys
import time

import frames
import hostile_floods
import hostile_frames
import hostile_requests
from attacker import METHOD, Attacker, resident_kib
from prober import Prober

GROWTH_KIB_MAX = 32 << 10
GROUPS = {
    "frames": hostile_frames.CONNECTION,
    "requests": hostile_requests.REQUESTS,
    "floods": hostile_floods.FLOODS,
    "slow": hostile_floods.SLOW,
}
OBSERVED_SECONDS = 3.0


def fits(outcome, accepted):
    return any(fnmatch.fnmatch(outcome, each) for each in accepted)


def judge(attacker, name, group, accepted, arguments):
    """Settles what is still open, and says what came of it."""
    if group == "slow":
        if attacker.outcome is None:
            attacker.observe(arguments.patience)
        attacker.settle("waiting")
        long = arguments.patience >= arguments.reaped_after
        if long and name in hostile_floods.REAPED:
            accepted = tuple(each for each in accepted if each not in ("waiting", "alive"))
        return accepted
    if attacker.ended != "we left" and attacker.outcome is None:
        attacker.observe(0.3 if "alive" in accepted else OBSERVED_SECONDS)
    if attacker.outcome is None:
        attacker.still_answers(arguments.method)
    if attacker.ended is None and not fits(attacker.outcome, accepted):
        # A connection that is told to end may first say so to its streams.
        said, attacker.outcome = attacker.outcome, None
        attacker.observe(0.3, stream=-1)
        attacker.settle(said)
    return accepted


def run(name, group, accepted, body, arguments, prober):
    prober.mark()
    before = resident_kib(arguments.pid)
    begun = time.monotonic()
    attacker = Attacker(arguments.server)
    attacker.patience = arguments.flood_seconds if group == "floods" else arguments.patience
    body(attacker, arguments.method)
    accepted = judge(attacker, name, group, accepted, arguments)
    seconds = time.monotonic() - begun
    if attacker.outcome.startswith("goaway") and attacker.ended is None:
        attacker.observe(2.0)
    grown = resident_kib(arguments.pid) - before
    attacker.close()
    others = prober.mark(calls=3)
    result = {
        "attack": name, "group": group, "outcome": attacker.outcome,
        "accepted": fits(attacker.outcome, accepted),
        "answered": attacker.answers[-8:], "ms": round(seconds * 1e3), "others": others}
    if hasattr(attacker, "flooded"):
        result.update(flooded_bytes=attacker.flooded, flood_ms=attacker.flood_ms)
    if arguments.pid:
        result["grown_kib"] = grown
    if attacker.outcome.startswith("goaway"):
        result["closed_after_goaway"] = attacker.ended is not None
    for each in getattr(attacker, "crowd", []):
        each.close()
    result["ok"] = (
        result["accepted"] and others["failed"] == 0 and others["calls"] > 0
        and result.get("closed_after_goaway", True) and grown <= GROWTH_KIB_MAX)
    return result


def mutations(count, seed, arguments, prober):
    """Good traffic with bytes flipped, cut, doubled and inserted; the server must live on."""
    rng = random.Random(seed)
    prober.mark()
    before = resident_kib(arguments.pid)
    outcomes, begun = {}, time.monotonic()
    for _ in range(count):
        attacker = Attacker(arguments.server)
        good = [frames.settings((4, 1 << 20)), attacker.call(arguments.method)]
        for _, _, body in rng.sample(hostile_frames.CONNECTION[8:], 2):
            recorder = Recorder(attacker)
            body(recorder, arguments.method)
            good.append(b"".join(recorder.sent[1:])[:4096])
        data = mutate(rng, bytearray(b"".join(good)))
        attacker.send(frames.PREFACE, bytes(data))
        try:
            attacker.observe(0.002)
        except Exception as error:  # what comes back to garbage may be anything
            attacker.outcome = f"unreadable: {type(error).__name__}"
        outcome = attacker.outcome or "open"
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        attacker.close()
    grown = resident_kib(arguments.pid) - before
    others = prober.mark(calls=3)
    return {
        "attack": "mutations", "group": "mutations", "outcome": "lives", "seed": seed,
        "count": count, "outcomes": outcomes, "ms": round((time.monotonic() - begun) * 1e3),
        "others": others, "grown_kib": grown,
        "ok": others["failed"] == 0 and others["calls"] > 0 and grown <= GROWTH_KIB_MAX}


class Recorder:
    """Keeps what an attack would send."""

    def __init__(self, attacker):
        self.attacker, self.sent, self.ended, self.outcome = attacker, [], True, None

    def send(self, *pieces):
        self.sent += pieces

    def start(self, *pairs):
        self.send(frames.PREFACE, frames.settings(*pairs))
        return self

    def __getattr__(self, name):
        return getattr(self.attacker, name)


def mutate(rng, data):
    for _ in range(rng.randrange(1, 8)):
        at = rng.randrange(len(data))
        kind = rng.randrange(5)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == 2:
            del data[at:at + rng.randrange(1, 12)]
        elif kind == 3:
            data[at:at] = rng.randbytes(rng.randrange(1, 12))
        else:
            data[at:at] = data[at:at + rng.randrange(1, 40)]
        if not data:
            return bytearray(b"\0")
    return data


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="unix:/path, host:port or tcp://host:port")
    parser.add_argument("--pid", type=int, default=0, help="of the server: its memory is watched")
    parser.add_argument("--method", default=METHOD, help="one that takes an empty message")
    parser.add_argument("--attack", action="append", help="a name; default: all of the groups")
    parser.add_argument("--group", action="append", choices=[*GROUPS, "mutations"])
    parser.add_argument("--patience", type=float, default=1.0, help="seconds for a slow peer")
    parser.add_argument("--reaped-after", type=float, default=12.0)
    parser.add_argument("--flood-seconds", type=float, default=1.0)
    parser.add_argument("--mutations", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    groups = arguments.group or [*GROUPS, "mutations"]
    known = [(each, group) for group in GROUPS for each in GROUPS[group]]
    if arguments.attack:
        unknown = set(arguments.attack) - {each[0] for each, _ in known}
        if unknown:
            parser.error(f"no attack {', '.join(sorted(unknown))}")
        known = [(each, group) for each, group in known if each[0] in arguments.attack]
    failed = 0
    with Prober(arguments.server, arguments.method) as prober:
        for (name, accepted, body), group in known:
            if group not in groups:
                continue
            try:
                result = run(name, group, accepted, body, arguments, prober)
            except OSError as error:
                result = {"attack": name, "group": group, "ok": False, "error": repr(error)}
            failed += not result["ok"]
            print(json.dumps(result), flush=True)
        if "mutations" in groups and not arguments.attack:
            result = mutations(arguments.mutations, arguments.seed, arguments, prober)
            failed += not result["ok"]
            print(json.dumps(result), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
