"""A stand-in for the library asyncio-amp, which does not run on Python 3.11: what it does, and what it does wrong, as
far as another end of the connection can see. Written from a description of its behaviour; nothing of it is the
library's.
"""

import asyncio
import struct

END = b"\0\0"
LONGEST_VALUE = 65535


class ConnectionLostError(Exception):
    """The connection ended under a call."""


class RemoteAmpError(Exception):
    """The other end answered with an error."""

    def __init__(self, error_code=None, error_description=None):
        super().__init__(error_description)
        self.error_code = error_code
        self.error_description = error_description


class UnknownRemoteError(RemoteAmpError):
    """One that nobody has declared."""


class UnhandledCommandError(RemoteAmpError):
    """There is no such command over there."""


class TooLongError(RemoteAmpError):
    """A key or a value has too many octets."""


class Argument:
    """One type of arguments."""

    def __init__(self, optional=False):
        self.optional = optional


class Integer(Argument):
    encode = staticmethod(lambda value: b"%d" % value)
    decode = staticmethod(int)


class Bytes(Argument):
    encode = decode = staticmethod(bytes)


class String(Argument):
    encode = staticmethod(lambda value: value.encode("utf-8"))
    decode = staticmethod(lambda octets: octets.decode("utf-8"))


class Float(Argument):
    encode = staticmethod(lambda value: repr(value).encode("ascii"))
    decode = staticmethod(float)


class Boolean(Argument):
    encode = staticmethod(lambda value: b"True" if value else b"False")

    @staticmethod
    def decode(octets):
        if octets not in (b"True", b"False"):
            raise ValueError(octets)
        return octets == b"True"


def encode_values(described, values):
    """Pairs for a box, in the order of their declaration; what is optional may be left out."""
    return {
        name: kind.encode(values[name])
        for name, kind in described
        if not (kind.optional and values.get(name) is None)
    }


def decode_values(described, box):
    """Values from a box; of what is optional nothing may miss here."""
    return {name: kind.decode(box[name]) for name, kind in described}


class Command:
    """A command: its name on the wire is the name of its class. `errors` has a class for each code."""

    arguments = []
    response = []
    errors = {}

    @classmethod
    def responder(cls, method):
        method.answers = cls
        return method


class Responders(type):
    """Finds the responders of a class: those of its parents are hidden as soon as it has any of its own."""

    def __new__(mcs, name, bases, members):
        made = super().__new__(mcs, name, bases, members)
        own = {member.answers.__name__: member for member in members.values() if hasattr(member, "answers")}
        if own:
            made.responders = own
        return made


def encode_box(pairs):
    """Octets of a box. An empty value looks like its end."""
    octets = []
    for key, value in pairs.items():
        if len(value) > LONGEST_VALUE:
            raise TooLongError("TOO_LONG", key)
        octets += [struct.pack(">H", len(key)), key.encode("ascii"), struct.pack(">H", len(value)), value]
    return b"".join(octets) + END


class AMPProtocol(asyncio.Protocol, metaclass=Responders):
    """One end of a connection."""

    responders = {}

    def __init__(self):
        self.transport = None
        self.received = b""
        self.strings = []
        self.is_deaf = False
        self.last_tag = 0
        self.calls = {}
        self.running = set()

    def failed(self, error):
        """Something went wrong that the other end never hears of."""

    # ------------------------------------------------------------ connection

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, cause):
        self.transport = None
        calls, self.calls = self.calls, {}
        for _, waiter in calls.values():
            if not waiter.done():
                waiter.set_exception(ConnectionLostError(cause))

    def data_received(self, data):
        if self.is_deaf:
            return
        self.received += data
        try:
            self.read_boxes()
        except Exception as error:
            # As there: nobody reads any more, and nobody closes.
            self.is_deaf = True
            self.failed(error)

    def read_boxes(self):
        while len(self.received) >= 2:
            (length,) = struct.unpack(">H", self.received[:2])
            if len(self.received) < 2 + length:
                return
            string, self.received = self.received[2 : 2 + length], self.received[2 + length :]
            if length > 0:
                self.strings.append(string)
                continue
            strings, self.strings = self.strings, []
            self.box_received({key.decode("ascii"): value for key, value in zip(strings[::2], strings[1::2])})

    def box_received(self, box):
        if "_command" in box:
            task = asyncio.ensure_future(self.run(box))
            self.running.add(task)
            task.add_done_callback(self.running.discard)
        elif "_answer" in box:
            command, waiter = self.calls.pop(int(box["_answer"]))
            try:
                waiter.set_result(decode_values(command.response, box))
            except Exception as error:
                waiter.set_exception(error)
        elif "_error" in box:
            command, waiter = self.calls.pop(int(box["_error"]))
            code, description = box["_error_code"].decode(), box["_error_description"].decode()
            waiter.set_exception(self.error_of(command, code, description))
        else:
            raise ValueError("a box of no kind")

    def error_of(self, command, code, description):
        if code in command.errors:
            return command.errors[code](description)
        if code == "UNHANDLED":
            return UnhandledCommandError(code, description)
        return UnknownRemoteError(code, description)

    # ------------------------------------------------------------ answering

    async def run(self, box):
        try:
            answer = await self.answer(box["_command"].decode("ascii"), box)
            if "_ask" in box:
                self.send(answer)
        except Exception as error:
            # As there: whoever asked waits for ever.
            self.failed(error)

    async def answer(self, name, box):
        responder = self.responders.get(name)
        if responder is None:
            return self.error(box["_ask"], "UNHANDLED", f"Unhandled Command: {name}")
        command = responder.answers
        values = decode_values(command.arguments, box)
        try:
            result = responder(self, **values)
            if asyncio.iscoroutine(result):
                result = await result
        except Exception as error:
            code = type(error).__name__
            # Without arguments, or with one that is no text, there is no error to send either.
            return self.error(box.get("_ask", b""), code if code in command.errors else "UNKNOWN", error.args[0])
        pairs = {**encode_values(command.response, result), "_answer": box.get("_ask", b"")}
        if any(len(value) > LONGEST_VALUE for value in pairs.values()):
            return self.error(box.get("_ask", b""), "UNKNOWN", "Response too long")
        return pairs

    def error(self, tag, code, description):
        return {"_error": tag, "_error_code": code.encode(), "_error_description": description.encode()}

    # ------------------------------------------------------------ asking

    def send(self, pairs):
        octets = encode_box(pairs)
        if self.transport is None:
            raise Exception("Not connected")
        self.transport.write(octets)

    async def call_remote(self, command, **values):
        """Calls, and waits for the answer, which every call wants."""
        self.last_tag += 1
        tag = self.last_tag
        pairs = encode_values(command.arguments, values)
        self.send({**pairs, "_command": command.__name__.encode("ascii"), "_ask": b"%d" % tag})
        waiter = asyncio.get_running_loop().create_future()
        self.calls[tag] = (command, waiter)
        return await waiter
