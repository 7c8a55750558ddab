"""Proves that the peers of AMP are right before anybody else meets them: Twisted's client against Twisted's server,
the stand-in for asyncio-amp against itself and against Twisted, and all vectors against Twisted. Prints `not ok NAME`
for each check that fails, then `N passed, N failed`."""

import asyncio
import contextlib
import json
import pathlib
import sys
import tempfile
from asyncio.subprocess import PIPE

from twisted.logger import globalLogBeginner

import amp_certificates
from amp_vectors_check import check_vectors
from asyncio_amp_like import AMPProtocol
from asyncio_amp_peer import Fail, Sum

FOLDER = pathlib.Path(__file__).parent
DEADLINE_S = 20
TWISTED_SERVER, TWISTED_CLIENT, ASYNCIO = "amp_twisted_server.py", "amp_twisted_client.py", "asyncio_amp_peer.py"
PASSED, FAILED = [], []


def expect(name, actual, expected):
    (PASSED if actual == expected else FAILED).append(name)
    if actual != expected:
        print(f"not ok {name}: {actual!r}, not {expected!r}")


def hex_of(octets):
    return "hex:" + octets.hex()


class Peer:
    """A peer in a process of its own."""

    async def start(self, *command):
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, FOLDER / command[0], *command[1:], stdin=PIPE, stdout=PIPE
        )
        self.last_id = 0
        self.answers = {}
        self.events = []
        self.changed = asyncio.Condition()
        ready = (await asyncio.wait_for(self.process.stdout.readline(), DEADLINE_S)).decode().split()
        self.address = ready[1] if len(ready) > 1 else None
        self.reading = asyncio.ensure_future(self.read())
        return self

    async def read(self):
        async for line in self.process.stdout:
            told = json.loads(line)
            if "id" in told:
                answer = self.answers.pop(told.pop("id"))
                if not answer.cancelled():
                    answer.set_result(told)
                continue
            self.events.append(told)
            async with self.changed:
                self.changed.notify_all()

    def begin(self, do, **told):
        """Has something done; the answer can be waited for."""
        self.last_id += 1
        answer = self.answers[self.last_id] = asyncio.get_running_loop().create_future()
        self.process.stdin.write(json.dumps({"id": self.last_id, "do": do, **told}).encode() + b"\n")
        return asyncio.wait_for(answer, DEADLINE_S)

    async def ask(self, do, **told):
        return await self.begin(do, **told)

    async def call(self, command, args=None, **told):
        return await self.ask("call", command=command, args=args or {}, **told)

    async def happens(self, event, **facts):
        """The first event of this kind with these facts, be it one of the past."""

        def find():
            told = (one for one in self.events if one["event"] == event)
            return next((one for one in told if facts.items() <= one.items()), None)

        async with self.changed:
            try:
                await asyncio.wait_for(self.changed.wait_for(find), DEADLINE_S)
            except TimeoutError:
                raise TimeoutError(f"No {event} {facts} among {self.events}") from None
        return find()

    async def stop(self):
        self.process.stdin.close()
        status = await asyncio.wait_for(self.process.wait(), DEADLINE_S)
        expect("ends with its stdin", status, 0)
        await self.reading


@contextlib.asynccontextmanager
async def pair(server, client):
    """A server and a client, to be connected."""
    async with contextlib.AsyncExitStack() as stack:
        peers = []
        for command in (server, client):
            peer = await Peer().start(*command)
            stack.push_async_callback(peer.stop)
            peers.append(peer)
        yield peers


ALL_TYPES = {
    "integer": str(-(10**40)),
    "string": hex_of(bytes(range(256))),
    "unicode": "é☃😀\0",
    "boolean": False,
    "float": "1e-05",
    "decimal": "-1.50E+9",
    "datetime": {
        "year": 2024, "month": 2, "day": 29,
        "hour": 23, "minute": 59, "second": 58, "microsecond": 1, "offsetMinutes": -210,
    },
    "integers": ["1", "-2"],
    "unicodes": ["", "☃"],
    "nested": [["1"], []],
    "rows": [{"x": "1", "label": "a"}, {"x": "9", "label": None}],
    "path": "/srv/café",
}  # fmt: skip
MORE_TYPES = {
    "strings": ["hex:", "hex:00ff"],
    "booleans": [True, False],
    "floats": ["-0.0", "inf"],
    "decimals": ["1.10", "NaN"],
    "datetimes": [ALL_TYPES["datetime"]],
    "paths": ["/", "/a b"],
    "tree": [{"name": "p", "kids": [{"n": "1"}]}, {"name": "q", "kids": []}],
}
ALL_ABSENT = dict.fromkeys(ALL_TYPES)


def error(kind, text, code=None, description=None):
    return {"class": kind, "text": text, "code": code, "description": description}


UNKNOWN = error("UnknownRemoteError", "Code<UNKNOWN>: Unknown Error", "UNKNOWN", "Unknown Error")


async def calls(server, client):
    """Every command, with values and errors."""
    for command, args, result in (
        ("Sum", {"a": str(2**64), "b": "-1"}, {"total": str(2**64 - 1)}),
        ("Repeat", {"text": "é☃", "times": "3"}, {"text": "é☃é☃é☃"}),
        ("Repeat", {"text": "", "times": "3"}, {"text": ""}),
        ("Divide", {"numerator": "1", "denominator": "3"}, {"result": "0.3333333333333333"}),
        ("Types", ALL_TYPES, ALL_TYPES),
        ("Types", {}, ALL_ABSENT),
        ("MoreTypes", MORE_TYPES, MORE_TYPES),
        ("mapped-command", {"dash-arg": "d", "from": "f", "mixedCase": "m"}, {"class": "d|f|-|m"}),
        ("mapped-command", {"dash-arg": "d", "from": "f", "print": "p", "mixedCase": "m"}, {"class": "d|f|p|m"}),
        ("Fail", {"kind": "not at all"}, {"text": "not at all"}),
        ("CallMe", {"numerator": "1", "denominator": "4"}, {"result": "0.25"}),
        ("Slow", {"milliseconds": "1"}, {"milliseconds": "1"}),
    ):
        told = await client.call(command, args, probe=True)
        expect(f"calls {command} {args}", told, {"result": result, "stays": True})
    expect("notifies", await client.call("Notify", {"text": "hi"}), {"result": None})
    expect("is notified", (await server.happens("notified"))["text"], "hi")
    expect("calls many times", await client.ask("many", count=1000), {"right": 1000, "wrong": 0, "failed": 0})
    slow = client.begin("call", command="Slow", args={"milliseconds": "300"})
    expect("calls meanwhile", await client.call("Sum", {"a": "1", "b": "1"}), {"result": {"total": "2"}})
    expect("answers late", await slow, {"result": {"milliseconds": "300"}})
    expect("calls from the server", await server.call("Sum", {"a": "5", "b": "6"}), {"result": {"total": "11"}})
    low = await client.ask("low", command="lowLevel", values={"data": hex_of(b"\0")})
    expect("calls by name", low["box"]["echo"], hex_of(b"\0"))
    expect("has its tag", sorted(low["box"]), ["_answer", "echo"])
    failed = await client.ask("low", command="Nope", probe=True)
    expect("fails by name", [failed["error"]["code"], failed["stays"]], ["UNHANDLED", True])
    wrong = await client.call("Sum", {"a": "1"}, probe=True)
    expect("refuses to call", [wrong["error"]["class"], wrong["stays"]], ["InvalidSignature", True])
    wrong = await client.call("Sum", {"a": "1", "b": "1", "c": "1"}, probe=True)
    expect("refuses what is not declared", [wrong["error"]["class"], wrong["stays"]], ["InvalidSignature", True])
    wrong = await client.call("Repeat", {"text": "x" * 65536, "times": "1"}, probe=True)
    expect("refuses what is too long", [wrong["error"]["class"], wrong["stays"]], ["TooLong", True])


async def failures(server, client):
    """Each way to fail, on a connection of its own."""
    zero = {"numerator": "1", "denominator": "0"}
    divided = error("ZeroDivisionError", "division by zero")
    nobody = error("UnhandledCommand", "(b'UNHANDLED', \"Unhandled Command: b'Nope'\")", "UNHANDLED")
    nobody["description"] = "Unhandled Command: b'Nope'"
    own = error("UnknownRemoteError", "Code<UNKNOWN>: not declared", "UNKNOWN", "not declared")
    own_fatal = error(
        "UnknownRemoteError", "Code<UNKNOWN>: not declared, and fatal", "UNKNOWN", "not declared, and fatal"
    )
    for command, args, failed, stays in (
        ("Divide", zero, divided, True),
        ("CallMe", zero, divided, True),
        ("Nope", {}, nobody, True),
        ("Fail", {"kind": "known"}, error("BaseProblem", "declared"), True),
        ("Fail", {"kind": "derived"}, error("BaseProblem", "child of a declared class"), True),
        ("FailMore", {"kind": "more"}, error("MoreProblem", "declared by the derived command"), True),
        ("FailMore", {"kind": "derived"}, error("BaseProblem", "child of a declared class"), True),
        ("FailMore", {"kind": "fatal"}, error("FatalProblem", "declared and fatal"), False),
        ("Fail", {"kind": "fatal"}, error("FatalProblem", "declared and fatal"), False),
        ("Fail", {"kind": "unknown"}, UNKNOWN, False),
        ("Fail", {"kind": "badreturn"}, UNKNOWN, False),
        ("Fail", {"kind": "toolong"}, error("ConnectionDone", "Connection was closed cleanly."), False),
        ("Fail", {"kind": "remote"}, own, True),
        ("Fail", {"kind": "remote-fatal"}, own_fatal, False),
    ):
        on = (await client.ask("connect", address=server.address))["on"]
        told = await client.call(command, args, on=on, probe=True)
        expect(f"{command} {args} fails", told, {"error": failed, "stays": stays})
        if not stays:
            # What the probe sends may still meet an end that is gone.
            reason = (await client.ask("lost", on=on))["reason"]
            expect(f"{command} {args} closes", reason in ("ConnectionDone", "ConnectionLost"), True)
    for kind in ("RuntimeError", "BadLocalReturn", "TooLong"):
        await server.happens("logged", **{"class": kind})
    on = (await client.ask("connect", address=server.address))["on"]
    told = await client.call("Bye", on=on, probe=True)
    expect("says good-bye", told, {"result": {"text": "bye"}, "stays": False})
    for command, values in (("Nope", {}), ("Fail", {"kind": hex_of(b"known")}), ("Sum", {"a": hex_of(b"x")})):
        on = (await client.ask("connect", address=server.address))["on"]
        await client.ask("low", command=command, values=values, answer=False)
        expect(f"{command} without _ask closes", await client.ask("lost", on=on), {"reason": "ConnectionDone"})
    on = (await client.ask("connect", address=server.address))["on"]
    slow = client.begin("call", command="Slow", args={"milliseconds": "60000"}, on=on)
    await client.call("Sum", {"a": "1", "b": "1"}, on=on)
    ended = await client.call("Bye", on=on)
    expect("ends", ended, {"result": {"text": "bye"}})
    expect("fails what waits", (await slow)["error"]["class"], "ConnectionDone")


async def switches(server, client):
    refused = await client.ask("switch", to="nothing", probe=True)
    expected = {"error": error("BaseProblem", "there is no protocol nothing"), "stays": True}
    expect("does not switch", refused, expected)
    expect("switches", await client.ask("switch", to="upper-echo"), {"result": {}})
    await client.ask("write", octets=hex_of(b"tail"))
    expect("echoes", await client.ask("read", count=4), {"octets": hex_of(b"TAIL"), "ended": False})
    locked = await client.call("Sum", {"a": "1", "b": "1"})
    expect("calls no more", locked["error"]["class"], "ProtocolSwitched")
    await client.ask("close")
    expect("tells the new protocol", (await server.happens("inner-lost"))["reason"], "ConnectionDone")
    await client.ask("connect", address=server.address)
    await client.ask("switch", to="prefix-echo")
    await client.ask("write", octets=hex_of(b"x"))
    expect("has a prefix", (await client.ask("read", count=6))["octets"], hex_of(b"echo:x"))


async def broken_input(server, client):
    """Octets that are no boxes, and what comes back until the end."""
    for octets in (b"\0\0", b"\0\1a\0\1b\0\0", b"\1\0kk", b"GET / HTTP/1.1\r\n\r\n", b"\0\7_answer\0\00299\0\0"):
        await client.ask("open", address=server.address)
        await client.ask("write", octets=hex_of(octets))
        expect(f"closes at {octets}", await client.ask("read"), {"octets": "hex:", "ended": True})
    await client.ask("open", address=server.address)
    for octet in b"\0\4_ask\0\1z\0\x08_command\0\3Sum\0\1a\0\00213\0\1b\0\00281\0\0":
        await client.ask("write", octets=hex_of(bytes([octet])))
    expected = b"\0\7_answer\0\1z\0\5total\0\00294\0\0"
    answer = await client.ask("read", count=len(expected))
    expect("takes single octets", answer, {"octets": hex_of(expected), "ended": False})


async def broken_answers(server, client):
    """Octets that are no answers, and what becomes of the calls of the client that gets them."""
    for octets, kind in (
        (b"\0\0", "NoEmptyBoxes"),
        (b"\0\1a\0\1b\0\0", "NoEmptyBoxes"),
        (b"\1\0kk", "TooLong"),
        (b"\0\7_answer\0\00299\0\0", "KeyError"),
        (b"\0\6_error\0\00299\0\0", "KeyError"),
    ):
        on = (await client.ask("connect", address=server.address))["on"]
        slow = client.begin("call", command="Slow", args={"milliseconds": "60000"}, on=on)
        await client.call("Sum", {"a": "1", "b": "1"}, on=on)
        await server.ask("write", octets=hex_of(octets))
        expect(f"{octets} fails what waits", (await slow)["error"]["class"], kind)
        later = await client.call("Sum", {"a": "1", "b": "1"}, on=on)
        expect(f"{octets} fails what comes", later["error"]["class"], kind)
        notified = await client.call("Notify", {"text": "x"}, on=on)
        expect(f"{octets} fails nothing without answer", notified, {"result": None})


async def tls(folder):
    """StartTLS and TLS from the first octet, with and without who is who."""
    names = ("client", "stranger")
    paths = {name: {"cert": f"{folder}/{name}.pem", "key": f"{folder}/{name}-key.pem"} for name in names}
    own = ("--cert", f"{folder}/server.pem", "--key", f"{folder}/server-key.pem")
    trust = ("--ca", f"{folder}/ca.pem")
    ca = {"ca": f"{folder}/ca.pem"}
    for name, server, told, expected in (
        ("with a throw-away certificate", (), {}, "TEMPORARY CERTIFICATE"),
        ("that believes nobody", (), ca, None),
        ("with a certificate that nobody looks at", own, {}, "server"),
        ("with a certificate that is believed", own, ca, "server"),
        ("that wants a certificate and gets none", (*own, *trust), ca, None),
        ("that wants a certificate and gets it", (*own, *trust), {**ca, **paths["client"]}, "server"),
        ("that wants another certificate", (*own, *trust), {**ca, **paths["stranger"]}, None),
    ):
        async with pair((TWISTED_SERVER, *server), (TWISTED_CLIENT,)) as (one, other):
            await other.ask("connect", address=one.address)
            outcome = await other.ask("starttls", **told, probe=True)
            expected_outcome = {"result": {}, "stays": expected is not None}
            if expected is not None:
                expected_outcome["peer"] = expected
            expect(f"StartTLS {name}", outcome, expected_outcome)
            if expected is None:
                expect(f"StartTLS {name} ends", (await other.ask("lost"))["reason"], "Error")
            else:
                # Twisted has sent it by then, and holds back whatever comes next for ever.
                again = await other.ask("starttls")
                expect(f"StartTLS {name} once", again["error"]["class"], "OnlyOneTLS")
        if not server:
            continue
        async with pair((TWISTED_SERVER, "--address", "tls:0", *server), (TWISTED_CLIENT,)) as (one, other):
            await other.ask("connect", address=one.address, **told)
            result = await other.call("Sum", {"a": "1", "b": "2"})
            expect(f"TLS {name}", result.get("result"), None if expected is None else {"total": "3"})


async def tls_from_the_server(server, client):
    """The hello of the client comes in one read with its answer, and Twisted takes it for a box."""
    expect("StartTLS from the server", await server.ask("starttls"), {"result": {}})
    for peer, kind in ((server, "TooLong"), (client, "PeerVerifyError")):
        await peer.ask("lost")
        told = await peer.call("Sum", {"a": "1", "b": "1"})
        expect("StartTLS from the server ends", told["error"]["class"], kind)


async def asyncio_amp(server, client, is_twisted_server):
    """What the stand-in can do with both."""
    types = {name: ALL_TYPES[name] for name in ("integer", "string", "unicode", "boolean", "float")}
    for command, args, result in (
        ("Sum", {"a": str(2**64), "b": "-1"}, {"total": str(2**64 - 1)}),
        ("Repeat", {"text": "é☃", "times": "3"}, {"text": "é☃é☃é☃"}),
        ("Divide", {"numerator": "1", "denominator": "3"}, {"result": "0.3333333333333333"}),
        ("Types", types, types),
        ("CallMe", {"numerator": "1", "denominator": "4"}, {"result": "0.25"}),
        ("Slow", {"milliseconds": "1"}, {"milliseconds": "1"}),
    ):
        told = await client.call(command, args, probe=True)
        result = {**ALL_ABSENT, **result} if command == "Types" and "decimal" in told["result"] else result
        expect(f"calls {command}", told, {"result": result, "stays": True})
    expect("calls many times", await client.ask("many", count=1000), {"right": 1000, "wrong": 0, "failed": 0})
    for command in ("Divide", "CallMe"):
        told = await client.call(command, {"numerator": "1", "denominator": "0"}, probe=True)
        outcome = [told["error"]["class"], told["error"]["text"], told["stays"]]
        expect(f"{command} by zero", outcome, [outcome[0], "division by zero", True])
        expect(f"{command} by zero is declared", outcome[0] in ("ZERO_DIVISION", "ZeroDivisionError"), True)
    told = await client.call("Nope", probe=True)
    expect("has no responder", [told["error"]["code"], told["stays"]], ["UNHANDLED", True])
    expect("calls from the server", await server.call("Sum", {"a": "5", "b": "6"}), {"result": {"total": "11"}})
    told = await client.call("Fail", {"kind": "known"}, probe=True)
    expect("fails as declared", [told["error"]["text"], told["stays"]], ["declared", True])
    told = await client.call("Fail", {"kind": "unknown"}, probe=True)
    outcome = [told["error"]["class"], told["error"]["description"], told["stays"]]
    text = "Unknown Error" if is_twisted_server else "told as it is"
    expect("fails unawares", outcome, ["UnknownRemoteError", text, not is_twisted_server])


async def defects(server, client):
    """What the stand-in does wrong, seen by Twisted, or by itself."""
    told = await client.call("Fail", {"kind": "derived"}, probe=True)
    expect("inherits no errors", [told["error"]["code"], told["stays"]], ["UNKNOWN", True])
    told = await client.call("Fail", {"kind": "toolong"}, probe=True)
    expect("answers too long", [told["error"]["description"], told["stays"]], ["Response too long", True])
    for command, args, kind in (
        ("Fail", {"kind": "wordless"}, "IndexError"),
        ("Fail", {"kind": "number"}, "AttributeError"),
        ("Types", {"integer": "1"}, "KeyError"),
    ):
        waiting = asyncio.ensure_future(client.begin("call", command=command, args=args))
        await server.happens("failed", **{"class": kind, "deaf": False})
        told = await client.call("Sum", {"a": "1", "b": "1"})
        expect(f"goes on after {command} {args}", told, {"result": {"total": "2"}})
        expect(f"waits for ever for {command} {args}", waiting.done(), False)
        waiting.cancel()


async def endings(server, client):
    """What the stand-in tells its callers when the connection is gone."""
    waiting = client.begin("call", command="Slow", args={"milliseconds": "60000"})
    await client.call("Sum", {"a": "1", "b": "1"})
    await server.ask("close")
    expect("fails what waits", (await waiting)["error"]["class"], "ConnectionLostError")
    expect("ends", await client.ask("lost"), {"reason": "NoneType"})
    expect("is not connected", (await client.call("Sum", {"a": "1", "b": "1"}))["error"]["class"], "Exception")


class Parent(AMPProtocol):
    sum = Sum.responder(lambda self, a, b: {"total": a + b})


class Same(Parent):
    """Has its parent's."""


class Own(Parent):
    """Has only its own."""

    fail = Fail.responder(lambda self, kind: {"text": kind})


async def deafness(server, client):
    """Boxes after which the stand-in reads no more, and stays connected. The client is Twisted's."""
    for number, octets in enumerate((
        b"\0\0",
        b"\0\1a\0\1b\0\0",
        b"\0\7_answer\0\00299\0\0",
        b"\0\4_ask\0\0011\0\x08_command\0\6Repeat\0\4text\0\0\0\5times\0\0013\0\0",
    )):  # fmt: skip
        await client.ask("open", address=server.address)
        await client.ask("write", octets=hex_of(octets))
        failed = await server.happens("failed", deaf=True, on=number)
        expect(f"is deaf after {octets}", failed["deaf"], True)
        expect("stays", [one for one in server.events if one["event"] == "lost" and one["on"] == number], [])
    await client.ask("open", address=server.address)
    await client.ask("write", octets=hex_of(b"\0\x08_command\0\6Notify\0\4text\0\1x\0\0"))
    expect("runs without _ask", (await server.happens("notified"))["text"], "x")
    await client.ask("write", octets=hex_of(b"\0\x08_command\0\4Nope\0\0"))
    expect("breaks without _ask", (await server.happens("failed", deaf=False))["class"], "KeyError")
    both = b"\0\x08_command\0\3Sum\0\1a\0\0011\0\1b\0\0012\0\7_answer\0\0015\0\4_ask\0\1z\0\0"
    await client.ask("write", octets=hex_of(both))
    expected = b"\0\5total\0\0013\0\7_answer\0\1z\0\0"
    expect("takes commands first", (await client.ask("read", count=len(expected)))["octets"], hex_of(expected))


SCENARIOS = (calls, failures, switches, broken_input, broken_answers, tls_from_the_server)


async def all_scenarios(folder):
    amp_certificates.main(folder)
    for address in ("tcp:0", f"unix:{folder}/socket"):
        for scenario in SCENARIOS:
            async with pair((TWISTED_SERVER, "--address", address), (TWISTED_CLIENT,)) as (one, other):
                await other.ask("connect", address=one.address)
                await scenario(one, other)
    await tls(folder)
    like, like_client = (ASYNCIO, "server"), (ASYNCIO, "client")
    for server, client in ((like, like_client), (like, (TWISTED_CLIENT,)), ((TWISTED_SERVER,), like_client)):
        async with pair(server, client) as (one, other):
            await other.ask("connect", address=one.address)
            if server is like:
                await defects(one, other)
            await asyncio_amp(one, other, is_twisted_server=server is not like)
    async with pair(like, (TWISTED_CLIENT,)) as (one, other):
        await deafness(one, other)
    for server in (like, (TWISTED_SERVER,)):
        async with pair(server, like_client) as (one, other):
            await other.ask("connect", address=one.address)
            await endings(one, other)


def main():
    # Twisted logs what the vectors provoke.
    globalLogBeginner.beginLoggingTo([lambda event: None], redirectStandardIO=False)
    check_vectors(expect)
    for one, names in ((Parent, ["Sum"]), (Same, ["Sum"]), (Own, ["Fail"])):
        expect(f"{one.__name__} has responders", list(one.responders), names)
    with tempfile.TemporaryDirectory(prefix="amp-") as folder:
        asyncio.run(all_scenarios(pathlib.Path(folder)))
    print(f"{len(PASSED)} passed, {len(FAILED)} failed")
    sys.exit(1 if FAILED else 0)


if __name__ == "__main__":
    main()
