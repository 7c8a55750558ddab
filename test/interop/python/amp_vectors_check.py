"""Holds the vectors of AMP against Twisted, without a socket."""

import datetime
import json
import pathlib
import re

from twisted.internet.testing import StringTransport
from twisted.protocols import amp

from amp_commands import COMMANDS, Demo
from amp_notation import argument, from_json, to_json, values_from_json, values_to_json

VECTORS = pathlib.Path(__file__).parents[2] / "fixtures" / "vectors" / "amp.json"


def vectors():
    """All of them; `(76*3)` in their hex stands for `767676`."""
    for vector in json.loads(VECTORS.read_text("utf-8")):
        expanded = re.sub(r"\((..)\*(\d+)\)", lambda match: match[1] * int(match[2]), vector["hex"])
        yield {**vector, "hex": expanded}


class Wire(StringTransport):
    """Keeps what is written, and whether it was closed; TLS that is started changes nothing."""

    is_closed = False

    def loseConnection(self):
        self.is_closed = True

    def startTLS(self, *options):
        pass


def end_on_wire():
    end, wire = Demo(), Wire()
    end.makeConnection(wire)
    return end, wire


def given(end, wire, octets):
    """Gives octets to an end, and closes where the reactor would: the name of the exception, if one came out."""
    try:
        end.dataReceived(octets)
    except Exception as error:
        wire.loseConnection()
        return type(error).__name__
    return None


def box_of(told):
    """Pairs of a box as the vectors tell of them."""

    def octets(value):
        return bytes.fromhex(value["hex"] if "hex" in value else value["everyByte"] * value["length"])

    return {key.encode(): octets(value) for key, value in told.items()}


# ---------------------------------------------------------------- each kind: what is, and what is to be


def check_argument(vector):
    told, octets = vector["decoded"], bytes.fromhex(vector["hex"])
    if told["type"] == "Descriptor":
        # Its number is all that is in the box.
        return octets.decode(), told["value"].removeprefix("ordinal ")
    kind = argument(told["type"])
    if "sentOffsetSeconds" in told:
        offset = datetime.timezone(datetime.timedelta(seconds=told["sentOffsetSeconds"]))
        sent = kind.toString(datetime.datetime(2010, 12, 25, tzinfo=offset))
        return [sent.hex(), sent.decode()], [octets.hex(), told["value"]]
    sent = kind.toStringProto(from_json(kind, told["value"]), None)
    return [sent.hex(), decoded(kind, octets)], [octets.hex(), with_all_fields(kind, told["value"])]


def check_accepted(vector):
    told = vector["decoded"]
    kind = argument(told["type"])
    octets = bytes.fromhex(vector["hex"])
    if told["type"] == "DateTime":
        return str(kind.fromString(octets)), told["value"]
    return decoded(kind, octets), with_all_fields(kind, told["value"])


def check_refused(vector):
    try:
        return decoded(argument(vector["decoded"]["type"]), bytes.fromhex(vector["hex"])), "an exception"
    except Exception as error:
        return type(error).__name__, vector["decoded"]["error"]


def check_box(vector):
    told = vector["decoded"] if isinstance(vector["decoded"], list) else [vector["decoded"]]
    octets = bytes.fromhex(vector["hex"])
    boxes = [box_of(one) for one in told]
    actual = [[dict(box) for box in amp.parseString(octets)]]
    expected = [boxes]
    if "twice" not in vector["name"]:
        actual.append(b"".join(amp.Box(box).serialize() for box in boxes).hex())
        expected.append(octets.hex())
    return actual, expected


def check_call(vector):
    """Reads the arguments from the vector, and makes the call with them."""
    (box,) = amp.parseString(bytes.fromhex(vector["hex"]))
    name = box[b"_command"].decode()
    end, wire = end_on_wire()
    command = COMMANDS[name]
    for _ in range(int(box.get(b"_ask", b"1"), 16) - 1):
        end.callRemote(COMMANDS["Notify"], text="uses up a number")
    wire.clear()
    if name == "StartTLS":
        end.callRemote(command)
    elif name == "Switch":
        end.callRemote(command, None, to=box[b"to"].decode())
    else:
        values = command.parseArguments(box, end)
        end.callRemote(command, **values_from_json(command.arguments, values_to_json(command.arguments, values)))
    return wire.value().hex(), vector["hex"]


def check_exchange(vector):
    """What Twisted answers, and whether it closes, and with which exception where octets break the protocol."""
    end, wire = end_on_wire()
    raised = given(end, wire, bytes.fromhex(vector["hex"]))
    actual = [wire.value().hex(), wire.is_closed, raised]
    expected = [vector["reply"], vector["closes"], vector.get("raises")]
    # After a switch it is no list of boxes.
    if isinstance(vector["replyDecoded"], list):
        actual.append([dict(box) for box in amp.parseString(wire.value())])
        expected.append([box_of(one) for one in vector["replyDecoded"]])
    return actual, expected


def check_reply(vector):
    """How a call ends for the caller, and whether the caller closes."""
    arguments = {"Sum": {"a": 13, "b": 81}, "Divide": {"numerator": 1, "denominator": 0}}[vector["call"]]
    end, wire = end_on_wire()
    command = COMMANDS[vector["call"]]
    outcomes = []
    end.callRemote(command, **arguments).addCallbacks(
        lambda result: outcomes.append({"result": values_to_json(command.response, result)}),
        lambda failure: outcomes.append({"error": type(failure.value).__name__, "text": str(failure.value)}),
    )
    raised = given(end, wire, bytes.fromhex(vector["hex"]))
    expected = [vector["decoded"]] if vector.get("decoded") else []
    return [outcomes, wire.is_closed, raised], [expected, vector["closes"], vector.get("raises")]


def decoded(kind, octets):
    return to_json(kind, kind.fromStringProto(octets, None))


def with_all_fields(kind, told):
    """Rows with null for what is absent."""
    if isinstance(kind, amp.AmpList):
        kinds = [(name.decode(), one) for name, one in kind.subargs]
        return [
            {name: None if row.get(name) is None else with_all_fields(one, row[name]) for name, one in kinds}
            for row in told
        ]
    return told


CHECKS = {
    "argument": check_argument,
    "accepted": check_accepted,
    "refused": check_refused,
    "box": check_box,
    "call": check_call,
    "exchange": check_exchange,
    "malformed": check_exchange,
    "reply": check_reply,
}


def check_vectors(expect):
    """Tells `expect(name, actual, expected)` of each vector."""
    for vector in vectors():
        expect(f"vector {vector['name']}", *CHECKS[vector["kind"]](vector))
