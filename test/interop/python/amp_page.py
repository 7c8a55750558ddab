"""The Python of docs/amp.md, run with Twisted: `amp_page.py` serves what its classes answer, and `amp_page.py ADDRESS`
calls the commands of the first section. Prints `ready PORT`, or what came, and ends with stdin or by itself.

All blocks have to compile. Those that leave something to the reader, as `...` does, are run with that filled in.
"""

import ast
import re
import sys
from types import SimpleNamespace

from twisted.internet import defer, endpoints, reactor, stdio, task
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols import amp

with open("docs/amp.md", encoding="utf-8") as page:
    BLOCKS = re.findall(r"^```python\n(.*?)^```$", page.read(), re.M | re.S)
for block in BLOCKS:
    compile(block, "docs/amp.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


class AskName(amp.Command):
    response = [(b"name", amp.Unicode())]


class Greet(amp.Command):
    response = [(b"text", amp.Unicode())]


KNOWN = {"amp": amp, "defer": defer, "AskName": AskName, "Greet": Greet, "make_colour": lambda text: SimpleNamespace(hex=text)}


def run(text):
    """Runs the block that has the text, up to the lines that connect; its names are known from then on."""
    block = next(block for block in BLOCKS if text in block)
    exec(block.split("\nendpoints.")[0].replace("    ...\n", ""), KNOWN)


for text in ("class Sum(", "AskName.responder", "class Colour(", "class Money(", "def amp_SHOUT"):
    run(text)


class Price(KNOWN["Money"]):
    """With the half that the page leaves out."""

    def fromBox(self, name, strings, objects, proto):
        amount, currency = (strings[name + key].decode() for key in (b".amount", b".currency"))
        objects[name.decode()] = SimpleNamespace(amount=amount, currency=currency)


class Buy(amp.Command):
    arguments = [(b"paint", amp.ListOf(KNOWN["Colour"]())), (b"price", Price()), (b"caller", KNOWN["CallerAddress"]())]
    response = [(b"receipt", amp.Unicode())]


class Demo(KNOWN["Maths"], KNOWN["Server"], KNOWN["Low"]):
    @Buy.responder
    def buy(self, paint, price, caller):
        colours = ",".join(colour.hex for colour in paint)
        return {"receipt": f"{colours} {price.amount} {price.currency} {caller}"}


class Stdin(Protocol):
    def connectionLost(self, reason):
        reactor.stop()


def serve():
    def bound(port):
        print("ready", port.getHost().port, flush=True)

    endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Factory.forProtocol(Demo)).addCallback(bound)
    stdio.StandardIO(Stdin())
    reactor.run()


async def call(port):
    endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    client = await endpoints.connectProtocol(endpoint, KNOWN["Client"]())
    print(await client.callRemote(KNOWN["Sum"], a=13, b=81))
    print(dict(await client.callRemoteString(b"Sum", a=b"1", b=b"2"))[b"total"])
    try:
        await client.callRemote(KNOWN["Divide"], numerator=1, denominator=0)
    except KNOWN["DivisionByZero"] as error:
        print("DivisionByZero:", error)
    try:
        await client.callRemoteString(b"Nothing")
    except amp.UnhandledCommand as error:
        print("UnhandledCommand:", error)
    print((await client.callRemote(Greet))["text"])


if len(sys.argv) > 1:
    task.react(lambda _: defer.ensureDeferred(call(int(sys.argv[1].rpartition(":")[2]))))
else:
    serve()
