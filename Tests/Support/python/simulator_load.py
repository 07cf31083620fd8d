"""Eight callers of the simulator at once, until it is gone: prints the id of each answer.

usage: simulator_load.py HOST PORT
Prints `200` once so many answers have come.
"""

import sys
import threading

from simulator_wire import HEADERS, Simulator, body_of

simulator = Simulator(sys.argv[1], int(sys.argv[2]))
request = Simulator.request("POST", "/v1/messages", body_of(), HEADERS)
lock = threading.Lock()
answered = 0


def call():
    global answered
    with simulator.connect() as connection:
        while True:
            connection.sendall(request)
            reply = Simulator.read(connection)
            if reply.status != 200 or not reply.is_whole:
                return
            with lock:
                answered += 1
                print(reply.headers["request-id"])
                if answered == 200:
                    print("200", flush=True)


def guarded():
    try:
        call()
    except OSError:
        pass


threads = [threading.Thread(target=guarded) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
