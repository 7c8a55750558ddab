"""A peer of the lamp wire, written from docs/lamp-wire.md alone: one end of a connection, which calls and is called.

`connect` makes the end that a DEALER is, `Server` those of a ROUTER. A service is an object whose coroutine methods take
the call and then its arguments. Nothing here knows the TypeScript side.
"""

import asyncio
import inspect
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import zmq

import lamp_again
import lamp_messages
import lamp_references
import lamp_service
import lamp_streams
from lamp_link import Link
from lamp_messages import CallError, Kind, Refused
from lamp_values import Decoder, Encoder
from messagepack import Malformed

VERSION = 1
MAX_METHODS = 4096
FLUSH_BYTES = 128 * 1024
MAX_MESSAGE_BYTES = 64 << 20
LINGER_MS = 2000
PING_S = 2
SILENCE_S = 10


def connection_name():
    return secrets.token_urlsafe(16)


@dataclass
class Reply:
    """A result with what came, or goes, beside it: session, extensions, attachment."""

    value: Any = None
    more: dict = field(default_factory=dict)


@dataclass(eq=False)
class Sent:
    """A call that this end made."""

    id: int
    at: float
    answer: asyncio.Future

    def __await__(self):
        return self.answer.__await__()


@dataclass
class Running:
    """A call that the other end made; `cancelled` is its signal."""

    connection: "Connection"
    args: Any
    more: dict
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)


class Connection:
    """One end. `send` takes the frames of a message, `hang_up` ends the link, after as many milliseconds at most."""

    def __init__(self, send, hang_up, services=None, memory=None, max_message_bytes=MAX_MESSAGE_BYTES, answers=False):
        self.send = send
        self.hang_up = hang_up
        self.services = services or {}
        self.memory = memory or lamp_again.Memory(secrets.token_hex(16))
        self.max_message_bytes = max_message_bytes
        self.answers = answers
        self.name = None
        self.other = None
        loop = asyncio.get_running_loop()
        self.hello = loop.create_future()
        self.closed = loop.create_future()

        self.records = bytearray()
        self.frames = []
        self.flags = 0
        self.flushing = None
        self.written = 0

        self.read = 0
        self.acknowledging = True
        self.heard = time.monotonic()
        self.pinged = False
        self.quickest = None
        self.results = None

        self.calls = {}
        self.last_call = 0
        self.method_numbers = {}
        self.pongs = {}

        self.methods = {}
        self.running = {}
        self.tasks = set()

        self.references = lamp_references.References()
        self.held = {}
        self.sending = {}
        self.receiving = {}
        self.last_stream = 0

    @property
    def busy(self):
        return bool(self.calls or self.running or self.sending or self.receiving or self.held or self.references.targets)

    # ------------------------------------------------------------ writing

    def greet(self, **instead):
        versions, most = [VERSION, VERSION], self.max_message_bytes
        hello = {"versions": versions, "incarnation": self.memory.incarnation, "maxMessageBytes": most}
        if self.name and not self.answers:
            hello["connection"] = self.name
        self.write(Kind.HELLO, {**hello, **instead})

    def write(self, kind, *parts):
        """Adds a record to the message of this turn of the event loop. Tells that message's number, counted from 1, and
        whether the record cannot be written a second time, for the streams and references in it."""
        if self.closed.done():
            return None, False
        encoder = self.encode([int(kind), *parts])
        # The calls of a message that go on from each other stay together.
        if self.records and not self.flags and len(self.records) + encoder.size > FLUSH_BYTES:
            self.flush()
            encoder = self.encode([int(kind), *parts])
        if self.other and 12 + encoder.size > self.other["maxMessageBytes"]:
            raise CallError("TOO_LARGE", "not-sent", f"{encoder.size} bytes")
        for commit in encoder.given:
            commit()
        self.records += encoder.out
        self.frames += encoder.frames
        if not self.flushing:
            self.flushing = asyncio.get_running_loop().call_soon(self.flush)
        return self.written + 1, bool(encoder.given)

    def encode(self, record):
        encoder = Encoder(self, len(self.frames))
        encoder.record(record)
        return encoder

    def flush(self):
        if self.flushing:
            self.flushing.cancel()
            self.flushing = None
        if self.closed.done():
            return
        head = lamp_messages.header(self.flags, self.read if self.acknowledging else 0)
        frames = [head + bytes(self.records), *self.frames]
        self.records, self.frames, self.flags = bytearray(), [], 0
        self.written += 1
        self.send(frames)

    def give(self, value):
        """What an encoder asks about a value that stays here: type and content of its extension, and what is to be done
        once the record is written."""
        if isinstance(value, lamp_references.RemoteReference) and value.connection is self:
            return 11, [value.number, 2], lambda: None
        if hasattr(value, "__aiter__"):
            self.last_stream += 1
            number = self.last_stream

            def start():
                self.sending[number] = lamp_streams.Outgoing(self, number, value)

            return 12, [number, 0], start
        if isinstance(value, lamp_references.Remote) or inspect.isroutine(value):
            number = self.references.number_of(value)
            return 11, [number, *lamp_references.describe(value)], lambda: self.references.count(number)
        raise TypeError(f"{type(value).__name__} cannot travel")

    # ------------------------------------------------------------ calling

    def call(self, method, args=None, timeout=30_000, **more):
        """Sends a call. `method` is (interface, method), (reference, method), ([id], path) or ([id], path, True)."""
        self.last_call += 1
        number = self.last_call
        answer = asyncio.get_running_loop().create_future()
        # An answer that nobody waits for is no mistake.
        answer.add_done_callback(lambda answer: answer.cancelled() or answer.exception())
        if self.closed.done():
            answer.set_exception(CallError("UNAVAILABLE", "not-sent", "the connection is closed"))
            return Sent(number, time.monotonic(), answer)
        try:
            self.write(Kind.CALL, number, self.method(method), args, timeout, more)
        except (TypeError, ValueError) as error:
            raise CallError("BAD_REQUEST", "not-sent", str(error)) from error
        if isinstance(method[0], list):
            self.flags |= lamp_messages.GOES_ON
        if not more.get("oneWay"):
            self.calls[number] = answer
            if timeout is not None:
                timer = asyncio.get_running_loop().call_later(timeout / 1000, self.give_up, number)
                answer.add_done_callback(lambda _: timer.cancel())
        return Sent(number, time.monotonic(), answer)

    def method(self, method):
        if not isinstance(method[0], str):
            return list(method)
        if method in self.method_numbers:
            return self.method_numbers[method]
        if len(self.method_numbers) == MAX_METHODS:
            return [None, *method]
        self.method_numbers[method] = len(self.method_numbers)
        return [self.method_numbers[method], *method]

    def give_up(self, number):
        self.cancel(number)
        self.fail(number, CallError("TIMEOUT", "unknown", "the deadline has passed"))

    def cancel(self, number):
        self.write(Kind.CANCEL, number)

    def again(self, sent, **more):
        """The member `again` of another try of a call that was made here."""
        age = int((time.monotonic() - sent.at) * 1000)
        return {"call": f"{self.name}:{sent.id}", "incarnation": self.other["incarnation"], "age": age, **more}

    def ping(self, token):
        self.pongs[token] = asyncio.get_running_loop().create_future()
        self.write(Kind.PING, token)
        return self.pongs[token]

    def fail(self, number, error):
        answer = self.calls.pop(number, None)
        if answer and not answer.done():
            answer.set_exception(error)

    # ------------------------------------------------------------ reading

    def receive(self, frames):
        if self.closed.done():
            return
        self.heard = time.monotonic()
        try:
            self.read_message(frames)
        except Refused as error:
            self.close(error.code, str(error))
        except (Malformed, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            self.close("PROTOCOL", f"{type(error).__name__}: {error}")

    def read_message(self, frames):
        if sum(map(len, frames)) > self.max_message_bytes:
            raise Refused("TOO_LARGE", "larger than maxMessageBytes")
        flags, sent, read = lamp_messages.read_header(frames[0])
        self.read += 1
        self.memory.acknowledged(self, read)
        late = self.lateness(sent)
        self.results = {} if flags & lamp_messages.GOES_ON else None
        decoder = Decoder(frames[0][12:], frames[1:], self)
        while not decoder.at_end and not self.closed.done():
            kind, *parts = decoder.value()
            self.handle(kind, parts, late)

    def lateness(self, sent):
        """How much longer than the quickest message of this connection one took, in milliseconds."""
        way = (lamp_messages.clock() - sent) & 0xFFFFFFFF
        # The two clocks have nothing in common: a lower difference is one that is ahead by less than half the circle.
        if self.quickest is None or (way - self.quickest) & 0x80000000:
            self.quickest = way
        return (way - self.quickest) & 0xFFFFFFFF

    def handle(self, kind, parts, late):
        if kind == Kind.HELLO:
            self.greeted(parts[0])
        elif kind == Kind.GOODBYE:
            self.left(parts[0], parts[1])
        elif self.other is None:
            raise Refused("PROTOCOL", "no hello")
        elif kind == Kind.CALL:
            self.called(late, *parts[:6])
        elif kind == Kind.RESULT:
            answer = self.calls.pop(parts[0], None)
            if answer and not answer.done():
                answer.set_result(Reply(parts[1], (parts[2:] or [{}])[0]))
        elif kind == Kind.ERROR:
            self.fail(parts[0], CallError.read(parts[1]))
        elif kind == Kind.CANCEL and parts[0] in self.running:
            self.running[parts[0]].cancelled.set()
        elif kind == Kind.ITEM and parts[0] in self.receiving:
            self.receiving[parts[0]].item(parts[1])
        elif kind == Kind.END and parts[0] in self.receiving:
            error = (parts[1:] or [None])[0]
            self.receiving.pop(parts[0]).end(error and CallError.read(error))
        elif kind == Kind.CREDIT and parts[0] in self.sending:
            self.sending[parts[0]].credit(parts[1])
        elif kind == Kind.STOP and parts[0] in self.sending:
            self.sending.pop(parts[0]).task.cancel()
        elif kind == Kind.RELEASE:
            self.references.release(parts[0], parts[1])
        elif kind == Kind.PING:
            self.pinged = True
            self.write(Kind.PONG, parts[0])
        elif kind == Kind.PONG and parts[0] in self.pongs:
            self.pongs.pop(parts[0]).set_result(None)

    def greeted(self, hello):
        lowest, highest = hello["versions"]
        if self.other:
            raise Refused("PROTOCOL", "a second hello")
        if not lowest <= VERSION <= highest:
            raise Refused("PROTOCOL", f"version {VERSION} is spoken here")
        self.other = hello
        if self.answers:
            self.name = hello.get("connection")
            self.memory.opened(self, self.name)
            self.greet()
        self.hello.set_result(hello)

    def take_reference(self, number, kind, methods=None):
        return lamp_references.take(self, number, kind, methods)

    def take_stream(self, number, web):
        self.receiving[number] = lamp_streams.Incoming(self, number, web == 1)
        return self.receiving[number]

    # ------------------------------------------------------------ being called

    def called(self, late, number, method, args, timeout=None, more=None):
        call = Running(self, args, more or {})
        self.running[number] = call
        results = self.results
        if results is not None:
            results[number] = asyncio.get_running_loop().create_future()

        def run():
            # Tasks begin in the order in which they are made, once all of this message is read.
            return self.task(self.execute(call, target, results))

        try:
            target = self.target(method)
            if timeout is not None and timeout <= late:
                raise CallError("TIMEOUT", "not-executed", "the deadline has passed")
            name = self.name if self.answers else None
            execution = self.memory.begin(self, name, number, call.more.get("again"), run)
        except CallError as error:
            execution = lamp_again.refusal(error)
        self.task(self.answer(number, call, execution, results))

    def task(self, work):
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def target(self, method):
        """What a call's method stands for: interface and method, reference and method, or another call and a path."""
        if isinstance(method, int):
            return self.methods[method]
        if isinstance(method[0], list):
            if self.results is None or method[0][0] not in self.results:
                raise CallError("BAD_REQUEST", "not-executed", "no such call in this message")
            return method
        if len(method) == 3:
            number, *names = method
            if number is not None:
                if number != len(self.methods) or number >= MAX_METHODS:
                    raise Refused("PROTOCOL", f"method {number} out of order")
                self.methods[number] = names
            return names
        return method

    async def execute(self, call, target, results):
        """Runs a call: the kind of its answer, and what is in it."""
        try:
            if call.cancelled.is_set():
                raise CallError("CANCELLED", "not-executed", "cancelled before it began")
            value = await self.run(call, target, results)
            reply = value if isinstance(value, Reply) else Reply(value)
            return Kind.RESULT, reply.value, reply.more
        except Exception as error:
            return Kind.ERROR, CallError.of(error).write()

    async def run(self, call, target, results):
        if isinstance(target[0], list):
            kind, value, *_ = await results[target[0][0]]
            if kind == Kind.ERROR:
                raise CallError("CANCELLED", "not-executed", "the call that this one goes on from failed")
            found = lamp_service.follow(value, target[1])
            if len(target) > 2 and target[2]:
                return found
            if not callable(found):
                raise CallError("METHOD_NOT_FOUND", "not-executed", f"nothing to call at {target[1]!r}")
            answer = found(*(call.args or []))
        elif isinstance(target[0], int):
            answer = self.references.method(*target)(*call.args)
        else:
            method = lamp_service.find(self.services, *target)
            args, named = lamp_service.arguments(method, call.args, call.more.get("positional"))
            answer = method(call, *args, **named)
        return await answer if inspect.isawaitable(answer) else answer

    async def answer(self, number, call, execution, results):
        """Answers a call when its execution has ended, unless no answer is wanted."""
        # A shield, for an execution is not this connection's alone.
        kind, *parts = outcome = await asyncio.shield(execution.outcome)
        if results is not None:
            results[number].set_result(outcome)
        self.running.pop(number, None)
        if call.more.get("oneWay"):
            return
        try:
            written, once = self.write(kind, number, *parts)
        except (CallError, TypeError, ValueError) as error:
            code = error.code if isinstance(error, CallError) else "UNKNOWN"
            written, once = self.write(Kind.ERROR, number, CallError(code, "executed", str(error)).write())
        execution.answered(self, written, once)

    # ------------------------------------------------------------ the end

    def left(self, code, text):
        """The other end said goodbye: it will not ask for its calls."""
        for call in self.running.values():
            call.cancelled.set()
        self.ended(Goodbye(code, text))
        self.hang_up(LINGER_MS)

    def close(self, code="CLOSED", text="closed"):
        if not self.closed.done():
            self.write(Kind.GOODBYE, code, text)
            self.flush()
            self.ended()
            self.hang_up(LINGER_MS)

    def drop(self):
        """Ends the connection without a word; what runs goes on."""
        self.ended()
        self.hang_up(0)

    def ended(self, goodbye=None):
        if self.closed.done():
            return
        self.closed.set_result(goodbye)
        lost = CallError("UNAVAILABLE", "unknown", "the connection is gone")
        for number in list(self.calls):
            self.fail(number, lost)
        for stream in self.receiving.values():
            stream.end(lost)
        for stream in self.sending.values():
            stream.task.cancel()


@dataclass
class Goodbye:
    code: Any
    text: str


def connect(address, name=None, greet=True, **options):
    """Connects to a bound address."""
    link = Link(zmq.DEALER, lambda frames: connection.receive(frames), lambda: connection.drop())

    async def ping():
        while not connection.closed.done():
            if connection.busy:
                connection.ping(0)
            await asyncio.sleep(PING_S)

    connection = Connection(link.send, link.close, **options)
    connection.name = name
    connection.task(ping())
    link.socket.connect(address)
    if greet:
        connection.greet()
    return connection


class Server:
    """A bound ROUTER and the connections to it."""

    def __init__(self, services, **options):
        self.services = services
        self.options = options
        self.memory = lamp_again.Memory(secrets.token_hex(16))
        self.connections = {}
        self.link = Link(zmq.ROUTER, self.receive)
        self.watching = asyncio.create_task(self.watch())

    def bind(self, address):
        self.link.socket.bind(address)
        return self.link.socket.last_endpoint.decode().rstrip("\0")

    def receive(self, frames):
        peer, *frames = frames
        if peer not in self.connections:
            self.connections[peer] = self.accept(peer)
        # A ROUTER cannot close a connection: one that has ended stays here and is not listened to.
        self.connections[peer].receive(frames)

    def accept(self, peer):
        def send(frames):
            self.link.send([peer, *frames])

        return Connection(send, lambda _linger: None, self.services, self.memory, answers=True, **self.options)

    async def watch(self):
        while True:
            await asyncio.sleep(1)
            for connection in self.connections.values():
                # Who never pings has a link that tells of its end by itself, and may be silent.
                if connection.pinged and connection.busy and time.monotonic() - connection.heard > SILENCE_S:
                    connection.ended()
