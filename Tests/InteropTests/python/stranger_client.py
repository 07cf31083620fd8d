"""One call over a Unix socket as another account; needs root to become it.

    stranger_client.py --server unix:/tmp/x.sock --uid 65534

Prints one line of JSON with what came of the call, as hostile_client.py names outcomes.
"""

import argparse
import json
import os

from attacker import METHOD, Attacker


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--uid", type=int, required=True)
    parser.add_argument("--method", default=METHOD)
    arguments = parser.parse_args()
    # Everything is imported by now: the other account need not be able to read it.
    os.setgroups([])
    os.setgid(arguments.uid)
    os.setuid(arguments.uid)
    caller = Attacker(arguments.server).start()
    caller.send(caller.call(arguments.method))
    caller.observe(5.0)
    print(json.dumps({"case": "stranger", "uid": os.getuid(), "outcome": caller.outcome}))


if __name__ == "__main__":
    main()
