"""Programs of the lamp peer: lamp_run.py check NAME ADDRESS | serve ADDRESS [MOST].

`check` prints `ok`, or what is wrong, and says so by its exit status. `serve` prints one line `ready ADDRESS`, and what its
service has to tell; it takes messages of MOST bytes.
"""

import asyncio
import sys

from lamp_checks import CHECKS
from lamp_demo import Lamp
from lamp_peer import MAX_MESSAGE_BYTES, Server


async def check(name, address):
    await CHECKS[name](address)
    print("ok", flush=True)


async def serve(address, most=MAX_MESSAGE_BYTES):
    server = Server({"interop.lamp": Lamp()}, max_message_bytes=int(most))
    print("ready", server.bind(address), flush=True)
    await server.watching


asyncio.run({"check": check, "serve": serve}[sys.argv[1]](*sys.argv[2:]))
