"""What the Python peer asks of a Lamplighter host that provides `interop.lamp`: one check for each part of
docs/lamp-wire.md."""

import asyncio
import struct

import lamp_messages
from lamp_messages import CallError, Kind
from lamp_peer import connect, connection_name
from lamp_references import Remote
from lamp_samples import BIG, SAMPLES, same
from lamp_values import UNDEFINED, BigInt, Binary
from messagepack import Packer

LAMP = "interop.lamp"


def equal(got, expected):
    assert same(got, expected), f"{got!r} instead of {expected!r}"


def raw(connection, number, *parts):
    """A call record as it stands, and its answer."""
    connection.calls[number] = asyncio.get_running_loop().create_future()
    connection.write(Kind.CALL, number, *parts)
    return connection.calls[number]


async def failure(awaitable, **expected):
    try:
        got = await awaitable
    except CallError as error:
        for name, value in expected.items():
            equal(getattr(error, name), value)
        return error
    raise AssertionError(f"{got!r} instead of an error")


def ask(connection, name, *args, **options):
    """A call of the service with its arguments in order."""
    return connection.call((LAMP, name), list(args), positional=True, **options)


async def value(connection, name, *args, **options):
    return (await ask(connection, name, *args, **options)).value


async def goodbye(connection):
    """The goodbye that ends a connection."""
    end = await connection.closed
    assert end is not None, "closed without goodbye"
    return end


# ---------------------------------------------------------------- hello


async def hello(address):
    connection = connect(address)
    # Not waited for the other's hello.
    answer = ask(connection, "echo", 1)
    other = await connection.hello
    equal(other["versions"], [1, 1])
    assert other["maxMessageBytes"] >= 1 << 20 and len(other["incarnation"]) > 10
    equal((await answer).value, 1)
    contract = (await connection.call((LAMP, "introspect"))).value["contract"]
    equal(contract["incarnation"], other["incarnation"])
    connection.close()


async def versions(address):
    wide = connect(address, greet=False)
    wide.greet(versions=[1, 9], later="members are read over")
    equal(await value(wide, "echo", 1), 1)
    wide.close()
    new = connect(address, greet=False)
    new.greet(versions=[2, 9])
    await goodbye(new)


# ---------------------------------------------------------------- calls and values


async def calls(address):
    connection = connect(address)
    equal((await connection.call((LAMP, "echo"))).value, None)
    equal((await connection.call((LAMP, "echo"), 5)).value, 5)
    equal((await connection.call((LAMP, "echo"), {"a": 1})).value, {"a": 1})
    equal((await connection.call((LAMP, "subtract"), {"b": 2, "a": 7})).value, 5)
    equal(await value(connection, "subtract", 7, 2), 5)
    equal((await connection.call(("", "subtract"), [7, 2], positional=True)).value, 5)
    equal((await raw(connection, 1000, [None, LAMP, "subtract"], {"a": 3, "b": 1}, None)).value, 2)
    equal(await value(connection, "subtract", 7, 3, timeout=None), 4)
    # Beyond 4096 numbers, methods go by name; the host need not have them for that.
    names = [connection.call((LAMP, f"none{n}")) for n in range(5000)]
    for answer in names:
        await failure(answer, code="METHOD_NOT_FOUND", outcome="not-executed", number=2)
    equal(len(connection.method_numbers), 4096)
    equal(await value(connection, "subtract", 7, 2), 5)
    connection.close()


async def errors(address):
    connection = connect(address)
    error = await failure(ask(connection, "crash"), code="UNKNOWN", outcome="executed", number=1)
    assert "a secret" not in error.message, error.message
    await failure(ask(connection, "fail", 100500, "own"), number=100500, outcome="executed", message="own")
    # Whatever a method throws, it was executed.
    await failure(ask(connection, "refuse"), code="BAD_REQUEST", outcome="executed", number=4)
    await failure(connection.call((LAMP, "nope")), code="METHOD_NOT_FOUND", outcome="not-executed", number=2)
    await failure(connection.call(("no.such", "echo")), code="BAD_REQUEST", outcome="not-executed", number=4)
    await failure(ask(connection, "subtract", 1, "two"), code="BAD_REQUEST", outcome="not-executed")
    await failure(ask(connection, "symbol"), code="UNKNOWN", outcome="executed")
    connection.close()


async def beside(address):
    """Sessions, extensions and attachments."""
    connection = connect(address)
    reply = await connection.call((LAMP, "mirror"), attachment=b"")
    equal([reply.value, reply.more["attachment"]], [0, b""])
    reply = await connection.call((LAMP, "mirror"), attachment=b"a" * BIG)
    equal([reply.value, reply.more["attachment"]], [BIG, b"a" * BIG])
    assert "attachment" not in (await connection.call((LAMP, "mirror"))).more
    equal((await connection.call((LAMP, "extensions"), extensions={"my.own": [1]})).value, {"my.own": [1]})
    first = await connection.call(("interop.counter", "count"))
    equal(first.value, 1)
    second = await connection.call(("interop.counter", "count"), session=first.more["session"])
    equal([second.value, second.more["session"]], [2, first.more["session"]])
    unknown = connection.call(("interop.counter", "count"), session="0" * 32)
    await failure(unknown, code="SESSION_EXPIRED", outcome="not-executed", number=6)
    connection.close()


async def values(address):
    connection = connect(address)
    equal(sorted(await value(connection, "names")), sorted(SAMPLES))
    for name, sample in SAMPLES.items():
        assert same(await value(connection, "same", name, sample), sample), name
    # An integer that a double cannot hold, and a double that could be an integer.
    equal(await value(connection, "echo", (1 << 63) + 1), BigInt((1 << 63) + 1))
    equal(await value(connection, "kind", (1 << 53) + 1), "bigint")
    equal(await value(connection, "kind", 2.0), "number")
    connection.close()


async def frames(address):
    connection = connect(address)
    assert connection.encode([b"a" * BIG]).size > BIG
    equal(await value(connection, "lengths", [b"a" * BIG, b"b" * BIG, b"c" * 5]), [BIG, BIG, 5])
    # Several records of a message number its frames together.
    answers = [ask(connection, "echo", bytes([n]) * BIG) for n in range(5)]
    equal(len(connection.frames), 5)
    for n, answer in enumerate(answers):
        equal((await answer).value, bytes([n]) * BIG)
    # Small ones may stand beside the records.
    equal(await value(connection, "lengths", [Binary("Uint8Array", b"abc", beside=True)]), [3])
    connection.close()


async def batch(address):
    connection = connect(address)
    await connection.hello
    before = connection.written
    order = [ask(connection, "order", n) for n in range(100)]
    connection.write(99, "a kind of later days", {"with": [1]})
    later = raw(connection, 900, [None, LAMP, "echo"], 5, None, {"later": True}, "an element of later days")
    equal([(await answer).value for answer in order], list(range(100)))
    equal((await later).value, 5)
    equal(connection.written, before + 1)
    # A message without records is one.
    connection.flush()
    equal(await value(connection, "echo", 5), 5)
    connection.close()


# ---------------------------------------------------------------- streams and references


async def streams_from_host(address):
    connection = connect(address)
    equal([n async for n in await value(connection, "count", 1000)], list(range(1000)))
    stream = await value(connection, "web", 3)
    equal([stream.web, [n async for n in stream]], [True, [0, 1, 2]])
    both = await value(connection, "both")
    equal([[n async for n in both["b"]], [n async for n in both["a"]]], [[1, 2], [0]])
    broken = await value(connection, "broken")
    equal(await anext(broken), {"first": True})
    await failure(anext(broken), code="UNKNOWN", outcome=None)
    connection.close()


async def credit_of_host(address):
    """The host sends 64 items, then what it is granted, and stops when it is told."""
    connection = connect(address)
    stream = await value(connection, "endless")
    stream.eager = False
    for n in range(64):
        equal(await anext(stream), n)
    # Whatever the host sends of itself is there when these are answered: messages keep their order.
    for _ in range(3):
        await connection.ping(1)
    equal([len(stream.waiting), stream.granted], [0, 0])
    stream.grant(3)
    equal([await anext(stream) for _ in range(3)], [64, 65, 66])
    await connection.ping(1)
    equal(len(stream.waiting), 0)
    stream.stop()
    equal(await value(connection, "ended"), "endless")
    # Nothing is added to 1 MiB that is on the way.
    for size in (256 * 1024 - 64, 256 * 1024, 3 << 20):
        stream = await value(connection, "blobs", size)
        stream.eager = False
        first = await anext(stream)
        equal(len(first), size)
        for _ in range(3):
            await connection.ping(1)
        assert len(stream.waiting) * size < 1 << 20, f"{1 + len(stream.waiting)} items of {size}"
        stream.stop()
        equal(await value(connection, "ended"), "blobs")
    connection.close()


async def streams_to_host(address):
    connection = connect(address)

    async def numbers(to):
        for n in range(to):
            yield n

    async def endless():
        n = 0
        try:
            while True:
                yield n
                n += 1
        finally:
            stopped.set()

    async def broken():
        yield 1
        raise CallError("UNKNOWN", "executed", "no more", number=77)

    stopped = asyncio.Event()
    equal(await value(connection, "sum", numbers(1000)), sum(range(1000)))
    equal(await value(connection, "first", endless()), 0)
    await stopped.wait()
    equal(await value(connection, "sumFailure", broken()), ["UNKNOWN", 77, "no more"])
    doubled = await value(connection, "double", numbers(200))
    equal([n async for n in doubled], [2 * n for n in range(200)])
    while connection.sending or connection.receiving:
        await connection.ping(1)
    connection.close()


async def references_of_host(address):
    connection = connect(address)
    adder = await value(connection, "adder", 3)
    equal(await adder(4), 7)
    counter = await value(connection, "counter")
    equal(counter.methods, ["add"])
    equal((await counter.call("add", 2)).value, 2)
    equal((await counter.call("add", 3)).value, 5)
    await failure(counter.call("secret"), code="METHOD_NOT_FOUND", outcome="not-executed")
    equal(await value(connection, "isCounter", counter), True)
    # Sent twice, it keeps its number, and is forgotten when both are released.
    again = await value(connection, "counter")
    assert again is counter
    equal(counter.received, 2)
    connection.write(Kind.RELEASE, counter.number, 1)
    equal((await counter.call("add", 0)).value, 5)
    connection.write(Kind.RELEASE, counter.number, 1)
    await failure(counter.call("add", 0), code="REFERENCE_LOST", outcome="not-executed")
    await failure(connection.call((9999, ""), []), code="REFERENCE_LOST", outcome="not-executed")
    connection.close()


class Thing(Remote):
    methods = ("double",)

    async def double(self, n):
        return 2 * n


async def references_to_host(address):
    connection = connect(address)
    thing = Thing()

    async def triple(n):
        return 3 * n

    async def fails():
        raise CallError("UNKNOWN", "executed", "mine", number=78)

    equal(await value(connection, "apply", triple, [5]), 15)
    equal(await value(connection, "applyFailure", fails), ["UNKNOWN", "executed", 78, "mine"])
    equal(await value(connection, "doubleBy", thing, 21), 42)
    assert (await value(connection, "echo", thing)) is thing
    await value(connection, "keep", thing)
    equal(await value(connection, "callKept", 4), 8)
    held = len(connection.references.targets)
    await value(connection, "letGo")
    while len(connection.references.targets) == held:
        await connection.ping(1)
    await failure(ask(connection, "callKept", 4), outcome="executed")
    connection.close()


class Greeter:
    async def hello(self, call, name):
        return f"hello {name}"


async def call_back(address):
    connection = connect(address, services={"client.greeter": Greeter()})
    equal(await value(connection, "askBack", "you"), "hello you")
    connection.close()


# ---------------------------------------------------------------- calls of results


async def pipelined(address):
    connection = connect(address)
    await connection.hello
    before = connection.written
    account = connection.call((LAMP, "account"), "good")
    tag = connection.call(([account.id], "tags.1", True))
    added = connection.call(([account.id], "counter.add"), [4], positional=True)
    profile = connection.call(([account.id], "profile"), [], positional=True)
    renamed = connection.call(([profile.id], "rename"), ["Bob"], positional=True)
    adder = connection.call((LAMP, "adder"), 3)
    itself = connection.call(([adder.id], ""), [4], positional=True)
    hidden = [connection.call(([account.id], path, True)) for path in ("constructor", "name.length", "counter.value")]
    no_method = connection.call(([account.id], "name"), [], positional=True)
    bad = connection.call((LAMP, "account"), "bad")
    lost = connection.call(([bad.id], "profile"), [], positional=True)
    equal((await account).value["tags"], ["a", "b"])
    equal((await tag).value, "b")
    equal((await added).value, 4)
    equal((await renamed).value, "Ann is Bob")
    equal((await itself).value, 7)
    for answer in hidden:
        equal((await answer).value, UNDEFINED)
    await failure(no_method, code="METHOD_NOT_FOUND", outcome="not-executed")
    await failure(bad, code="UNKNOWN", outcome="executed")
    await failure(lost, code="CANCELLED", outcome="not-executed")
    equal(connection.written, before + 1)
    # Results are kept for the calls of the same message.
    late = connection.call(([account.id], "tags", True))
    await failure(late, code="BAD_REQUEST", outcome="not-executed")
    connection.close()


# ---------------------------------------------------------------- one way, cancel, ping, goodbye, deadlines


async def one_way(address):
    connection = connect(address)
    await connection.hello
    handle, answered = connection.handle, []

    def look(kind, parts, late):
        answered.append(parts[0])
        handle(kind, parts, late)

    connection.handle = look
    ask(connection, "note", "first", oneWay=True)
    ask(connection, "crash", oneWay=True)
    connection.call((LAMP, "nope"), oneWay=True)
    last = ask(connection, "noted")
    equal((await last).value, ["first"])
    equal(answered, [last.id])
    connection.close()


async def cancel(address):
    connection = connect(address)
    sent = ask(connection, "wait", 1)
    await value(connection, "begun", 1)
    connection.cancel(sent.id)
    await failure(sent)
    equal(await value(connection, "cancelled"), [1])
    # Of a call that is answered, or was never made.
    connection.cancel(sent.id)
    connection.cancel(12345)
    equal(await value(connection, "echo", 1), 1)
    connection.close()


async def ping(address):
    connection = connect(address)
    for token in (0, 1, 1 << 40):
        await connection.ping(token)
    connection.close()


async def say_goodbye(address):
    """Breaks one connection, then leaves another: what runs for the second is cancelled, while the first is waited for."""
    broken, left = [connect(address, name=connection_name()) for _ in range(2)]
    begun = []
    for key, connection in enumerate((broken, left)):
        ask(connection, "wait", key)
        begun.append(ask(connection, "begun", key))
        await begun[key]
    broken.drop()
    back = connect(address, name=connection_name())
    # With the answer the host knows that the first connection is gone.
    await value(back, "begun", 0, again=broken.again(begun[0]))
    left.close()
    await value(back, "whenCancelled", 1)
    equal(await value(back, "cancelled"), [1])
    await value(back, "open", 0)
    back.close()


async def deadlines(address):
    connection = connect(address)
    true_clock = lamp_messages.clock
    remaining = await value(connection, "remaining", timeout=20_000)
    assert 0 < remaining <= 20_000, remaining
    # A clock that stands ten seconds back: the message was that much longer on its way than the others.
    lamp_messages.clock = lambda: (true_clock() - 10_000) & 0xFFFFFFFF
    late = await value(connection, "remaining", timeout=20_000)
    assert 0 < late < 15_000, late
    await failure(ask(connection, "note", "late", timeout=5000), code="TIMEOUT", outcome="not-executed")
    lamp_messages.clock = true_clock
    equal(await value(connection, "noted"), [])
    # The host ends a method whose deadline passes; nobody gives up here.
    running = raw(connection, 1000, [None, LAMP, "wait"], 5, 50)
    await failure(running, code="TIMEOUT", outcome="executed")
    equal(await value(connection, "cancelled"), [5])
    connection.close()


# ---------------------------------------------------------------- calls that are tried again


async def again_running(address):
    """Broken while the method runs: the second try is answered by the first execution."""
    first = connect(address, name=connection_name())
    sent = ask(first, "wait", 1)
    await value(first, "begun", 1)
    first.drop()
    second = connect(address, name=connection_name())
    answer = ask(second, "wait", 1, again=first.again(sent))
    await value(second, "open", 1)
    equal((await answer).value, "waited 1")
    equal(await value(second, "executions", 1), 1)
    # And a third time: the answer has not been read as far as the host knows.
    second.drop()
    third = connect(address, name=connection_name())
    equal(await value(third, "wait", 1, again=first.again(sent)), "waited 1")
    equal(await value(third, "executions", 1), 1)
    third.close()


async def again_answered(address):
    """Broken when the host had answered, and had not been told that the answer was read."""
    first = connect(address, name=connection_name())
    first.acknowledging = False
    await first.hello
    sent = ask(first, "execute", 2)
    equal((await sent).value, 1)
    failed = ask(first, "fail", 100501, "own")
    await failure(failed, number=100501)
    stream = ask(first, "count", 3)
    await stream
    first.drop()
    second = connect(address, name=connection_name())
    equal(await value(second, "execute", 2, again=first.again(sent)), 1)
    again = ask(second, "fail", 100501, "own", again=first.again(failed))
    await failure(again, number=100501, outcome="executed", message="own")
    again = ask(second, "count", 3, again=first.again(stream))
    await failure(again, code="REFERENCE_LOST", outcome="executed")
    equal(await value(second, "executions", 2), 1)
    second.close()


async def again_acknowledged(address):
    """An answer that was read need not be kept, and its call is not executed again."""
    first = connect(address, name=connection_name())
    sent = ask(first, "execute", 3)
    equal((await sent).value, 1)
    # The header of this message says that the answer was read.
    await first.ping(1)
    first.drop()
    second = connect(address, name=connection_name())
    again = ask(second, "execute", 3, again=first.again(sent))
    await failure(again, code="UNAVAILABLE", outcome="unknown")
    equal(await value(second, "executions", 3), 1)
    again = ask(second, "execute", 3, again=first.again(sent, idempotent=True))
    equal((await again).value, 2)
    second.close()


async def again_new(address):
    """A call that never arrived is executed, once, if its connection is known and if it is not; in the first case what
    comes over that connection afterwards is not executed any more."""
    first = connect(address, name=connection_name())
    equal(await value(first, "execute", 40), 1)
    second = connect(address, name=connection_name())
    call = {"call": f"{first.name}:{first.last_call + 1}", "incarnation": first.other["incarnation"], "age": 0}
    equal(await value(second, "execute", 4, again=call), 1)
    ask(first, "execute", 4)
    await first.closed
    equal(await value(second, "executions", 4), 1)
    call["call"] = f"{connection_name()}:1"
    equal(await value(second, "execute", 5, again=call), 1)
    equal(await value(second, "execute", 5, again=call), 1)
    second.close()


async def again_elsewhere(address):
    """Another run of the service executes only what does no harm."""
    connection = connect(address, name=connection_name())
    call = {"call": f"{connection_name()}:1", "incarnation": "another", "age": 10}
    again = ask(connection, "execute", 6, again=call)
    await failure(again, code="UNAVAILABLE", outcome="unknown")
    equal(await value(connection, "executions", 6), 0)
    equal(await value(connection, "execute", 6, again={**call, "idempotent": True}), 1)
    connection.close()


# ---------------------------------------------------------------- limits


async def limits(address):
    """What cannot be read, or is too much, ends its connection, and no other."""
    bystander = connect(address)
    deepest = []
    for _ in range(127):
        deepest = [deepest]
    equal((await bystander.call((LAMP, "echo"), deepest)).value, deepest)
    echo = Packer()
    echo.value([None, LAMP, "echo"])
    call = b"\x95\x01\x01" + bytes(echo.out)
    hostile = {
        "no msgpack": b"\xc1",
        "no array": b"\x05",
        "an empty record": b"\x90",
        "ends early": call,
        "claims much": call + b"\xdd\xff\xff\xff\xff",
        "too deep": call + b"\x91" * 128 + b"\x90\xc0",
        "no such frame": call + b"\xd5\x0a\x00\x00\xc0",
        "no such number of a method": b"\x95\x01\x01\xcd\xff\x00\xc0\xc0",
    }
    for name, records in hostile.items():
        connection = connect(address)
        await connection.hello
        connection.records += records
        connection.flush()
        equal([name, (await goodbye(connection)).code], [name, "PROTOCOL"])
    silent = connect(address, greet=False)
    ask(silent, "execute", 7)
    await goodbye(silent)
    flood = connect(address)
    await flood.hello
    # A stream that takes no notice of credit.
    flood.give = lambda value: (12, [1, 0], lambda: None)
    ask(flood, "hold", flood)
    for n in range(200):
        flood.write(Kind.ITEM, 1, n)
    await goodbye(flood)
    greedy = connect(address)
    await greedy.hello
    numbers = iter(range(1, 100_000))
    greedy.give = lambda value: (11, [next(numbers), 0], lambda: None)
    ask(greedy, "take", [greedy] * 10_001)
    await goodbye(greedy)
    large = connect(address)
    most = (await large.hello)["maxMessageBytes"]
    large.records += b"\x92\x63\xc6" + struct.pack(">I", 3 * most) + bytes(3 * most)
    large.flush()
    await large.closed
    # What begins otherwise is a message of no wire here, and read over.
    bystander.send([b"\xc1XY" + bytes(9)])
    equal(await value(bystander, "executions", 7), 0)
    bystander.close()


async def sizes(address):
    """Neither end sends more than the other takes."""
    connection = connect(address, max_message_bytes=100_000)
    most = (await connection.hello)["maxMessageBytes"]
    await failure(ask(connection, "blob", 100_000), code="TOO_LARGE", outcome="executed")
    equal(len(await value(connection, "blob", 99_000)), 99_000)
    equal(await value(connection, "lengths", [bytes(most - 200)]), [most - 200])
    connection.close()


CHECKS = {
    check.__name__: check
    for check in (
        hello,
        versions,
        calls,
        errors,
        beside,
        values,
        frames,
        batch,
        streams_from_host,
        credit_of_host,
        streams_to_host,
        references_of_host,
        references_to_host,
        call_back,
        pipelined,
        one_way,
        cancel,
        ping,
        say_goodbye,
        deadlines,
        again_running,
        again_answered,
        again_acknowledged,
        again_new,
        again_elsewhere,
        limits,
        sizes,
    )
}
