"""A peer that behaves as the library asyncio-amp does, for interoperability tests.

    asyncio_amp_peer.py server [tcp:0 | unix:PATH]
    asyncio_amp_peer.py client

The server prints `ready ADDRESS`, the client `ready`. Then both do what JSON lines on stdin say, `{"id": …, "do":
NAME, …}`, and answer each by one line with that `id`; lines without an `id` tell of events: `connected`, `lost`,
`notified`, and `failed` for what the other end never hears of, with `deaf` if nothing is read from then on. `on` is
the number of a connection, the last one without it. Values in JSON: integers and floats as text, octets as `hex:…`.
Ends with stdin.
"""

import asyncio
import json
import sys
from urllib.parse import urlsplit

from asyncio_amp_like import AMPProtocol, Boolean, Bytes, Command, Float, Integer, RemoteAmpError, String

LINE_LIMIT = 2**26


class ZERO_DIVISION(Exception):
    """The name of the class is the code."""


class BASE_PROBLEM(Exception):
    """Declared."""


class DERIVED_PROBLEM(BASE_PROBLEM):
    """Not declared, and its parent does not count."""


class Sum(Command):
    arguments = [("a", Integer()), ("b", Integer())]
    response = [("total", Integer())]


class Repeat(Command):
    arguments = [("text", String()), ("times", Integer())]
    response = [("text", String())]


class Divide(Command):
    arguments = [("numerator", Integer()), ("denominator", Integer())]
    response = [("result", Float())]
    errors = {"ZERO_DIVISION": ZERO_DIVISION}


class Types(Command):
    """All types there are; they are optional, which helps the one who sends only."""

    arguments = [
        ("integer", Integer(optional=True)),
        ("string", Bytes(optional=True)),
        ("unicode", String(optional=True)),
        ("boolean", Boolean(optional=True)),
        ("float", Float(optional=True)),
    ]
    response = arguments


class Notify(Command):
    arguments = [("text", String())]


class Fail(Command):
    arguments = [("kind", String())]
    response = [("text", String())]
    errors = {"BASE_PROBLEM": BASE_PROBLEM}


class CallMe(Command):
    """Has the caller divide, who is asked over the same connection."""

    arguments = Divide.arguments
    response = Divide.response
    errors = Divide.errors


class Slow(Command):
    """Answers after so many milliseconds."""

    arguments = [("milliseconds", Integer())]
    response = [("milliseconds", Integer())]


class Nope(Command):
    """Nobody answers this one."""

    response = [("text", String())]


COMMANDS = {
    command.__name__: command for command in (Sum, Repeat, Divide, Types, Notify, Fail, CallMe, Slow, Nope)
}  # fmt: skip
FAILURES = {
    "known": lambda: BASE_PROBLEM("declared"),
    "derived": lambda: DERIVED_PROBLEM("child of a declared class"),
    "unknown": lambda: RuntimeError("told as it is"),
    "wordless": lambda: RuntimeError(),
    "number": lambda: RuntimeError(5),
}


def say(told):
    print(json.dumps(told), flush=True)


class End(AMPProtocol):
    """One end of a connection, which answers all commands."""

    def __init__(self, program):
        super().__init__()
        self.program = program
        self.number = None
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        super().connection_made(transport)
        self.number = len(self.program.ends)
        self.program.ends.append(self)
        say({"event": "connected", "on": self.number})

    def connection_lost(self, cause):
        super().connection_lost(cause)
        self.lost.set_result(type(cause).__name__)
        say({"event": "lost", "on": self.number, "reason": type(cause).__name__})

    def failed(self, error):
        told = {"class": type(error).__name__, "text": str(error), "deaf": self.is_deaf}
        say({"event": "failed", "on": self.number, **told})

    @Sum.responder
    def sum(self, a, b):
        return {"total": a + b}

    @Repeat.responder
    def repeat(self, text, times):
        return {"text": text * times}

    @Divide.responder
    def divide(self, numerator, denominator):
        if denominator == 0:
            raise ZERO_DIVISION("division by zero")
        return {"result": numerator / denominator}

    @Types.responder
    def types(self, **values):
        return values

    @Notify.responder
    def notify(self, text):
        say({"event": "notified", "on": self.number, "text": text})
        return {}

    @Fail.responder
    def fail(self, kind):
        if kind == "badreturn":
            return {"nothing": "of this is declared"}
        if kind == "toolong":
            return {"text": "x" * 65536}
        if kind in FAILURES:
            raise FAILURES[kind]()
        return {"text": kind}

    @CallMe.responder
    async def call_me(self, numerator, denominator):
        return await self.call_remote(Divide, numerator=numerator, denominator=denominator)

    @Slow.responder
    async def slow(self, milliseconds):
        await asyncio.sleep(milliseconds / 1000)
        return {"milliseconds": milliseconds}


def from_json(kind, told):
    if isinstance(kind, Bytes):
        return bytes.fromhex(told.removeprefix("hex:"))
    return {Integer: int, Float: float}.get(type(kind), lambda value: value)(told)


def to_json(kind, value):
    if isinstance(kind, Bytes):
        return "hex:" + value.hex()
    return {Integer: str, Float: repr}.get(type(kind), lambda value: value)(value)


class Program:
    """Keeps connections and does with them what it is told."""

    def __init__(self):
        self.ends = []
        self.running = set()
        commands = (self.connect, self.call, self.many, self.write, self.close, self.lost)
        self.commands = {command.__name__: command for command in commands}

    def end(self, on):
        return self.ends[-1 if on is None else on]

    async def connect(self, address):
        """Connects to `tcp://HOST:PORT` or `ipc://PATH`; `on` is the number of the connection."""
        told, loop = urlsplit(address), asyncio.get_running_loop()
        if told.scheme in ("ipc", "unix"):
            _, end = await loop.create_unix_connection(lambda: End(self), told.netloc + told.path)
        else:
            _, end = await loop.create_connection(lambda: End(self), told.hostname, told.port)
        return {"on": end.number}

    async def call(self, command, args=None, on=None, probe=False):
        """Calls; with `probe` it tells whether the connection stays, by one more call."""
        kind, end = COMMANDS[command], self.end(on)
        kinds = dict(kind.arguments)
        values = {name: from_json(kinds[name], told) for name, told in (args or {}).items() if told is not None}
        try:
            result = await end.call_remote(kind, **values)
            outcome = {"result": {name: to_json(one, result[name]) for name, one in kind.response}}
        except Exception as error:
            outcome = {"error": self.error_to_json(error)}
        return {**outcome, "stays": await self.stays(end)} if probe else outcome

    async def stays(self, end):
        try:
            return await end.call_remote(Sum, a=1, b=2) == {"total": 3}
        except Exception as error:
            return isinstance(error, RemoteAmpError)

    async def many(self, count, on=None):
        """So many sums under way at once; how many were right, wrong, and failed."""
        end = self.end(on)
        calls = [end.call_remote(Sum, a=index, b=1) for index in range(count)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        right = sum(result == {"total": index + 1} for index, result in enumerate(results))
        failed = sum(isinstance(result, Exception) for result in results)
        return {"right": right, "wrong": count - right - failed, "failed": failed}

    async def write(self, octets, on=None):
        """Sends any octets."""
        self.end(on).transport.write(bytes.fromhex(octets.removeprefix("hex:")))
        return {}

    async def close(self, on=None):
        end = self.end(on)
        if end.transport is not None:
            end.transport.close()
        return await self.lost(on)

    async def lost(self, on=None):
        return {"reason": await asyncio.shield(self.end(on).lost)}

    def error_to_json(self, error):
        told = {"class": type(error).__name__, "text": str(error), "code": None, "description": None}
        if isinstance(error, RemoteAmpError):
            told.update(code=error.error_code, description=error.error_description)
        return told

    async def obey(self, told):
        number, name = told.pop("id"), told.pop("do")
        try:
            answer = await self.commands[name](**told)
        except Exception as error:
            answer = {"error": self.error_to_json(error)}
        say({"id": number, **answer})

    async def serve(self, address):
        """Binds; returns the address."""
        kind, _, where = address.partition(":")
        loop = asyncio.get_running_loop()
        if kind == "unix":
            await loop.create_unix_server(lambda: End(self), where)
            return f"ipc://{where}"
        server = await loop.create_server(lambda: End(self), "127.0.0.1", int(where))
        return f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def run(self):
        lines = asyncio.StreamReader(limit=LINE_LIMIT)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        async for line in lines:
            task = asyncio.ensure_future(self.obey(json.loads(line)))
            self.running.add(task)
            task.add_done_callback(self.running.discard)


async def main(role, address="tcp:0"):
    program = Program()
    print(f"ready {await program.serve(address)}" if role == "server" else "ready", flush=True)
    await program.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
