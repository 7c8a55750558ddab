"""The service `interop.lamp` of the lamp peer, which Lamplighter's clients call in the tests."""

import asyncio
from collections import Counter, defaultdict

from lamp_messages import CallError, Kind
from lamp_peer import Reply
from lamp_references import Remote
from lamp_samples import SAMPLES, same


class Account(Remote):
    methods = ("profile", "add")

    def __init__(self):
        self.total = 0

    async def profile(self):
        return {"name": "Ann", "tags": ["a", "b"], "rename": self.rename}

    async def rename(self, to):
        return f"Ann is {to}"

    async def add(self, by):
        self.total += by
        return self.total


class Lamp:
    def __init__(self):
        self._noted = []
        self._executions = Counter()
        self._begun = defaultdict(asyncio.Event)
        self._opened = defaultdict(asyncio.Event)
        self._ended = asyncio.Queue()
        self._kept = None
        self._account = Account()

    # ------------------------------------------------------------ calls and values

    async def echo(self, call, value=None):
        return value

    async def subtract(self, call, a, b):
        return a - b

    async def names(self, call):
        return list(SAMPLES)

    async def same(self, call, name, value):
        if not same(value, SAMPLES[name]):
            raise CallError("UNKNOWN", "executed", f"{name} arrived as {value!r}")
        return SAMPLES[name]

    async def lengths(self, call, values):
        return [len(value) for value in values]

    async def mirror(self, call):
        attachment = call.more.get("attachment")
        return Reply(attachment and len(attachment), {"attachment": attachment} if attachment else {})

    async def extensions(self, call):
        return call.more.get("extensions")

    async def fail(self, call, number, text):
        raise CallError("UNKNOWN", "executed", text, number=number)

    async def refuse(self, call):
        raise CallError("ACCESS_DENIED", "not-executed", "not you")

    async def impossible(self, call):
        return object()

    async def message(self, call):
        """The number of the message that this call came in."""
        return call.connection.read

    async def note(self, call, value):
        self._noted.append(value)

    async def noted(self, call):
        return self._noted

    # ------------------------------------------------------------ streams

    async def _numbers(self, name, to):
        n = 0
        try:
            while to is None or n < to:
                yield n
                n += 1
        finally:
            self._ended.put_nowait(name)

    async def count(self, call, to):
        return self._numbers("count", to)

    async def endless(self, call):
        return self._numbers("endless", None)

    async def ended(self, call):
        return await self._ended.get()

    async def broken(self, call):
        async def items():
            yield 1
            raise CallError("UNKNOWN", "executed", "no more", number=77)

        return items()

    async def web(self, call, items):
        return items.web

    async def sum(self, call, items):
        return sum([item async for item in items])

    async def first(self, call, items):
        item = await anext(items)
        items.stop()
        return item

    async def double(self, call, items):
        async def doubled():
            async for item in items:
                yield 2 * item

        return doubled()

    async def granted(self, call, items):
        """Takes what comes without grant, then one more."""
        items.eager = False
        got = [await anext(items) for _ in range(64)]
        for _ in range(3):
            await call.connection.ping(1)
        before = len(items.waiting)
        items.grant(1)
        got.append(await anext(items))
        items.stop()
        return [len(got), before]

    # ------------------------------------------------------------ references

    async def adder(self, call, by):
        async def add(to):
            return to + by

        return add

    async def account(self, call, token="good"):
        if token != "good":
            raise CallError("ACCESS_DENIED", "executed", "who are you?")
        return self._account

    async def isAccount(self, call, value):
        return value is self._account

    async def held(self, call):
        return len(call.connection.references.targets)

    async def apply(self, call, callback, args):
        return await callback(*args)

    async def keep(self, call, thing):
        self._kept = thing

    async def callKept(self, call, n):
        return (await self._kept.call("double", n)).value

    async def letGo(self, call):
        self._kept.release()

    async def callLost(self, call):
        try:
            return (await self._kept.call("double", 1)).value
        except CallError as error:
            return [error.code, error.outcome]

    async def askBack(self, call, name):
        return (await call.connection.call(("client.greeter", "hello"), [name], positional=True)).value

    # ------------------------------------------------------------ calls that end otherwise

    async def wait(self, call, key):
        self._executions[key] += 1
        self._begun[key].set()
        print(f"begun {key}", flush=True)
        waiting = [asyncio.create_task(event.wait()) for event in (self._opened[key], call.cancelled)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if call.cancelled.is_set():
            print(f"cancelled {key}", flush=True)
            raise CallError("CANCELLED", "executed", "the caller wants it no more")
        return f"waited {key}"

    async def open(self, call, key):
        self._opened[key].set()

    async def execute(self, call, key):
        self._executions[key] += 1
        print(f"executed {key}", flush=True)
        return self._executions[key]

    async def stream_once(self, call, key):
        self._executions[key] += 1
        print(f"executed {key}", flush=True)
        return self._numbers("once", 3)

    async def executions(self, call, key):
        return self._executions[key]

    async def pinged(self, call):
        """Ends when this connection has been pinged."""
        pinged = asyncio.Event()
        handle = call.connection.handle

        def look(kind, parts, late):
            handle(kind, parts, late)
            if kind == Kind.PING:
                pinged.set()

        call.connection.handle = look
        await pinged.wait()

    async def goodbye(self, call):
        self._executions[0] += 1
        call.connection.close("DRAINING", "come another day")

    async def garbage(self, call, what):
        connection = call.connection
        connection.records += {
            "no msgpack": b"\xc1",
            "ends early": b"\x93\x02",
            "claims much": b"\x93\x02\x01\xdd\xff\xff\xff\xff",
            "too deep": b"\x93\x02\x01" + b"\x91" * 200 + b"\xc0",
            "no such frame": b"\x93\x02\x01\xd5\x0a\x00\x00",
        }[what]
        connection.flush()
        print("goodbye", (await connection.closed).code, flush=True)

    async def flood(self, call):
        """Sends a stream that takes no notice of credit."""
        connection = call.connection
        connection.give = lambda value: (12, [1, 0], lambda: None)
        await asyncio.sleep(0)
        connection.write(Kind.RESULT, next(number for number, one in connection.running.items() if one is call), self)
        for n in range(200):
            connection.write(Kind.ITEM, 1, n)
        print("goodbye", (await connection.closed).code, flush=True)
