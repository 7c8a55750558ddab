"""Checks the peer of pseud in Python against vectors that the library itself wrote.

    pseud_check.py VALUES MESSAGES

Both are files of vectors: bodies in hex, and messages as frames on the wire in hex. Prints each check that fails and
how many did not; ends with status 1 when one did.
"""

import asyncio
import json
import sys
import traceback

import pseud_messages as messages
import pseud_zap
from pseud_bodies import Bodies
from pseud_endpoint import Server
from pseud_feeder import ask_server, feed_client, feed_server, fail_a_call, outcome_of
from pseud_notation import from_json, to_json

BODIES = Bodies()
TYPES = {name: kind for kind, name in messages.NAMES.items()}
UID = b"\x01" * 16

# Payloads that this Python reads and would write in another form.
READ_ONLY = ("value/pickle-", "value/compact/", "value/bytearray")

# Python 3 takes octets in pickles of Python 2 for ASCII; libraries of zones are not installed.
REFUSED = {
    "value/pickle-python2-c/date": UnicodeDecodeError,
    "value/pickle-python2-pure/date": UnicodeDecodeError,
    "value/pickle-python2-c/naive": UnicodeDecodeError,
    "value/pickle-python2-pure/naive": UnicodeDecodeError,
    "value/datetime/dateutil-utc": ModuleNotFoundError,
    "value/datetime/dateutil-offset": ModuleNotFoundError,
    "value/datetime/pytz-utc": ModuleNotFoundError,
    "value/datetime/pytz-zone": ModuleNotFoundError,
}

# Fatal in any body, besides what the vectors have.
FATAL_VALUES = {
    "invalid UTF-8": b"\xa1\xff",
    "trailing octets": b"\x01\x01",
    "negative extension": b"\xd4\xfe\x00",
    "nested too deep": b"\x91" * 1025 + b"\xc0",
    "broken pickle": b"\xd4\x7d\x00",
    "a pickle of what is not there": b"\xc7\x0b\x7dcno\nthing\n.",
}

# What cannot be rebuilt as an error kills the reader, and whoever called waits for ever.
FATAL_NAMES = ["print", "input", "eval", "int", "object", "None", "list", "__doc__", "StopIteration", "ExceptionGroup"]


def equal(found, expected):
    assert found == expected, f"\n  found    {found!r}\n  expected {expected!r}"


def raises(kind, function, *args):
    try:
        result = function(*args)
    except kind:
        return
    raise AssertionError(f"{result!r} and no {kind.__name__}")


# ---------------------------------------------------------------- values


def check_value(vector):
    octets, decoded = bytes.fromhex(vector["hex"]), vector["decoded"]
    if vector["name"] in REFUSED:
        raises(REFUSED[vector["name"]], BODIES.unpack, octets)
        return
    if vector["name"].startswith("error/"):
        decoded = [decoded["error_class"], decoded["message"], decoded["traceback"]]
    if "fatalForPython" in vector:
        raises(ValueError, BODIES.unpack, octets)
    else:
        equal(to_json(BODIES.unpack(octets)), decoded)
    if not vector["name"].startswith(READ_ONLY):
        equal(BODIES.pack(from_json(decoded)).hex(), octets.hex())


# ---------------------------------------------------------------- messages


def decode(frames):
    """What the decoded form of a vector says."""
    _, version, uid, kind, body = messages.split([b"address", *frames])
    if version is None:
        return {"type": "PROBE"}
    messages.check_version(version)
    told = {"type": messages.NAMES[kind], "version": version.decode(), "uid": uid.hex()}
    members = MEMBERS.get(kind)
    if members is None:
        return {**told, "text": body.decode()}
    value = BODIES.unpack(body)
    return {**told, **dict(zip(members, map(to_json, [value] if kind == messages.OK else value), strict=True))}


MEMBERS = {
    messages.OK: ["result"],
    messages.HELLO: ["login", "password"],
    messages.WORK: ["name", "args", "kwargs"],
    messages.ERROR: ["error_class", "message", "traceback"],
}


def encode(told):
    """The frames that it stands for."""
    if told["type"] == "PROBE":
        return [b""]
    kind = TYPES[told["type"]]
    if kind in MEMBERS:
        values = [from_json(told[member]) for member in MEMBERS[kind]]
        body = BODIES.pack(values[0] if kind == messages.OK else values)
    else:
        body = told["text"].encode()
    return messages.compose(b"address", bytes.fromhex(told["uid"]), kind, body)[1:]


def check_message(vector):
    frames = [bytes.fromhex(frame) for frame in vector["frames"]]
    equal(decode(frames), vector["decoded"])
    equal([frame.hex() for frame in encode(vector["decoded"])], vector["frames"])


def check_zap(plugin, request, reply):
    """What the handler of a plugin says to the request."""
    bob = {b"L>ULhY9N85Vl2}.&oh}63]*J]0KD%6x4=DZQPt)}": b"bob"}
    auth = Server(b"service", security_plugin=plugin, settings={"keys": bob}).auth
    if request["name"].startswith("untrusted_curve/reconnect/"):
        auth.trusted[request["decoded"]["client_key_z85"].encode()] = b"john"
    answer = pseud_zap.answer([bytes.fromhex(frame) for frame in request["frames"]], auth.decide)
    equal([frame.hex() for frame in answer], reply["frames"])


# ---------------------------------------------------------------- running endpoints


async def check_answer(work, reply):
    """A server says to a call what the library's said; tracebacks differ."""
    frames = await ask_server([bytes.fromhex(frame) for frame in work["frames"]])
    found, expected = decode(frames), dict(reply["decoded"])
    if "traceback" in expected:
        assert found.pop("traceback").startswith("Traceback (most recent call last):\n")
        del expected["traceback"]
    equal(found, expected)


async def check_outcome(reply):
    """A client makes of an answer what the library's made."""
    told = reply["callerOutcome"]
    if "exception_class" in told:
        names = {"class": "exception_class", "module": "exception_module", "text": "exception_text"}
        told = {"error": {ours: told[theirs] for ours, theirs in names.items()}}
    equal(await outcome_of(bytes.fromhex(reply["frames"][-2]), bytes.fromhex(reply["frames"][-1])), told)


async def check_survival(frames, is_fatal):
    for role, feed in (("server", feed_server), ("client", feed_client)):
        death = await feed(frames, is_fatal)
        assert bool(death) == is_fatal, f"{role}: {death}"


async def check_name(name):
    outcome, death = await fail_a_call(name)
    equal(outcome, {"waitsForEver": True})
    assert death, "the reader lives"


# ---------------------------------------------------------------- running it all


def checks(values, conversations):
    """Each check as name, function and arguments."""
    for vector in values:
        yield vector["name"], check_value, [vector]
    for index, vector in enumerate(conversations):
        group = vector["name"].split("/")[0]
        following = conversations[index + 1] if index + 1 < len(conversations) else None
        frames = [bytes.fromhex(frame) for frame in vector["frames"]]
        if group in ("fatal", "tolerated"):
            yield vector["name"], check_survival, [frames, group == "fatal"]
        elif vector["name"].endswith("zap-request"):
            yield vector["name"], check_zap, [group, vector, following]
        elif not vector["name"].endswith("zap-reply"):
            yield vector["name"], check_message, [vector]
            if group in ("call", "error", "proxy", "sync-client") and vector["decoded"]["type"] == "WORK":
                yield f"{vector['name']} answered", check_answer, [vector, following]
            if vector["decoded"]["type"] in ("OK", "ERROR") and "callerOutcome" in vector:
                yield f"{vector['name']} understood", check_outcome, [vector]
    for name, body in FATAL_VALUES.items():
        yield f"{name} kills", check_survival, [messages.compose(b"", UID, messages.WORK, body)[1:], True]
    for name in FATAL_NAMES:
        yield f"an error called {name} kills", check_name, [name]


async def main():
    values, conversations = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])
    passed = failed = 0
    for name, function, arguments in checks(values, conversations):
        try:
            running = function(*arguments)
            if asyncio.iscoroutine(running):
                # What neither dies nor answers would never end.
                await asyncio.wait_for(running, 10)
            passed += 1
        except Exception:
            failed += 1
            print(f"not ok {name}\n{traceback.format_exc()}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
