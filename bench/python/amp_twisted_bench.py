"""Twisted's AMP with the command Sum(a, b) -> total, to be measured.

    amp_twisted_bench.py server
    amp_twisted_bench.py client ADDRESS [--calls N] [--in-flight N]

The server prints `ready ADDRESS`, and runs until it is killed. The client makes a tenth of the calls first, to warm
up, and prints one JSON line: `calls`, `inFlight`, `callsPerSecond` and `cpu`, microseconds of its own processor time
for each call.
"""

import argparse
import json
import time
from urllib.parse import urlsplit

from twisted.internet import defer, reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory
from twisted.protocols import amp


class Sum(amp.Command):
    arguments = [(b"a", amp.Integer()), (b"b", amp.Integer())]
    response = [(b"total", amp.Integer())]


class Adder(amp.AMP):
    @Sum.responder
    def sum(self, a, b):
        return {"total": a + b}


def serve(options):
    port = reactor.listenTCP(0, Factory.forProtocol(Adder), interface="127.0.0.1")
    print(f"ready tcp://127.0.0.1:{port.getHost().port}", flush=True)


def calls(end, count, in_flight):
    """A closed loop of so many callers, until all calls are answered."""
    indices = iter(range(count))

    async def caller():
        for index in indices:
            answer = await end.callRemote(Sum, a=index, b=1)
            if answer["total"] != index + 1:
                raise ValueError(f"{index} + 1 is not {answer['total']}")

    callers = [defer.ensureDeferred(caller()) for _ in range(in_flight)]
    return defer.gatherResults(callers, consumeErrors=True)


async def measure(options):
    address = urlsplit(options.address)
    end = await connectProtocol(TCP4ClientEndpoint(reactor, address.hostname, address.port), Adder())
    await calls(end, options.calls // 10, options.in_flight)
    started_at, cpu_before = time.perf_counter(), time.process_time()
    await calls(end, options.calls, options.in_flight)
    seconds, cpu = time.perf_counter() - started_at, time.process_time() - cpu_before
    told = {"calls": options.calls, "inFlight": options.in_flight}
    told.update(callsPerSecond=round(options.calls / seconds), cpu=round(cpu / options.calls * 1e6, 1))
    print(json.dumps(told), flush=True)


def run_client(options):
    def failed(failure):
        failure.printTraceback()

    defer.ensureDeferred(measure(options)).addErrback(failed).addBoth(lambda _: reactor.stop())


def main():
    parser = argparse.ArgumentParser()
    roles = parser.add_subparsers(required=True)
    roles.add_parser("server").set_defaults(start=serve)
    client = roles.add_parser("client")
    client.add_argument("address")
    client.add_argument("--calls", type=int, default=20_000)
    client.add_argument("--in-flight", type=int, default=1)
    client.set_defaults(start=run_client)
    options = parser.parse_args()
    reactor.callWhenRunning(options.start, options)
    reactor.run()


if __name__ == "__main__":
    main()
