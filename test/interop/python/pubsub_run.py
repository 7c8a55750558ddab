"""Programs of the pubsub peer: pubsub_run.py subscribe ADDRESS INTERFACE OPTIONS | publish INTERFACE [KEEP].

`subscribe` prints a line of JSON for whatever it is told, until the publisher ends or a value `"bye"` comes. `publish` prints `ready
ADDRESS`, and does what lines of standard input say: `["publish", TOPIC, VALUES]`, `["large", TOPIC, SIZE]`, `["drop", TOPIC]`, `["tally"]`,
`["end", CODE]`, `["break"]`, which loses all connections, and `["count"]`, which prints how many are subscribed.
"""

import asyncio
import json
import sys

import zmq

from lamp_peer import Server
from pubsub_peer import Publisher, Subscriber, Watched


def plain(value):
    """Something that JSON can show."""
    return f"{len(value)} bytes of {value[0]}" if isinstance(value, bytes) else value if isinstance(value, (int, str, dict)) else repr(value)


async def subscribe(address, interface, options):
    def told(*what):
        print(json.dumps([plain(one) if one is not None else None for one in what]), flush=True)
        if what[0] == "value" and what[3] == "bye":
            subscriber.close()

    subscriber = Subscriber(address, interface, told, **json.loads(options))
    await subscriber.follow()


async def publish(interface, keep="0"):
    publisher = Publisher(int(keep))
    server = Server({interface: publisher})
    print("ready", server.bind("tcp://127.0.0.1:0"), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        what, *details = json.loads(line)
        if what == "publish":
            publisher._publish(details[0], *details[1])
        elif what == "large":
            publisher._publish(details[0], bytes([7]) * details[1])
        elif what == "drop":
            publisher._drop(*details)
        elif what == "tally":
            publisher._tally()
        elif what == "end":
            publisher._end(*details)
        elif what == "break":
            publisher._subscriptions.clear()
            publisher._link.close()
            publisher._link = Watched(zmq.XPUB, publisher._told)
            publisher._link.socket.bind("tcp://127.0.0.1:0")
            publisher._address = publisher._link.socket.last_endpoint.decode().rstrip("\0")
        print("done", sum(one.taken_up for one in publisher._subscriptions.values()), flush=True)


asyncio.run({"subscribe": subscribe, "publish": publish}[sys.argv[1]](*sys.argv[2:]))
