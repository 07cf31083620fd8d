"""A good client beside the attacks: a process of its own that calls without a pause.

It says for every stretch between two marks how many calls it made, how many failed and how long
the slowest took.
"""

import json
import select
import subprocess
import sys
import time

import frames
from attacker import Attacker

PAUSE_SECONDS = 0.002
ANSWER_SECONDS = 5.0
STREAMS_PER_CONNECTION = 5000


class Prober:
    """Runs the good client; used as a context."""

    def __init__(self, server, method):
        self.process = subprocess.Popen(
            [sys.executable, __file__, server, method], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)

    def mark(self, calls=0):
        """What happened since the last mark, after at least `calls` more calls."""
        self.process.stdin.write(f"{calls}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"calls": 0, "failed": 1, "error": "prober ended"}

    def __enter__(self):
        self.mark(1)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class Caller:
    """Calls one method on one connection, and on a new one when that ends."""

    def __init__(self, server, method):
        self.server, self.method = server, method
        self.connection = None
        self.stream = 1

    def call(self):
        """None, or what went wrong."""
        try:
            if self.connection is None or self.stream > 2 * STREAMS_PER_CONNECTION:
                if self.connection:
                    self.connection.close()
                self.connection, self.stream = Attacker(self.server).start(), 1
            connection = self.connection
            connection.outcome = None
            connection.answers.clear()
            connection.send(connection.call(self.method, stream=self.stream))
            connection.observe(ANSWER_SECONDS, self.stream)
            self.stream += 2
        except OSError as error:
            self.connection = None
            return repr(error)
        if connection.outcome != "status:OK":
            connection.close()
            self.connection = None
            return f"{connection.outcome} {connection.answers[-3:]}"
        # What a good client owes the server: room for the answers it took.
        connection.send(frames.window_update(0, 100))
        return None


def main():
    server, method = sys.argv[1:]
    caller = Caller(server, method)
    times, errors, wanted = [], [], None
    while True:
        if select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            wanted = len(times) + int(line)
        begun = time.monotonic()
        error = caller.call()
        times.append(time.monotonic() - begun)
        if error:
            errors.append(error)
        if wanted is not None and len(times) >= wanted:
            times.sort()
            result = {
                "calls": len(times), "failed": len(errors),
                "p50_ms": round(times[len(times) // 2] * 1e3, 2),
                "p99_ms": round(times[int((len(times) - 1) * 0.99)] * 1e3, 2),
                "slowest_ms": round(times[-1] * 1e3, 2)}
            if errors:
                result["error"] = errors[0]
            print(json.dumps(result), flush=True)
            times, errors, wanted = [], [], None


if __name__ == "__main__":
    main()
