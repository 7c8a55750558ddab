"""A subscriber and a publisher, written from docs/pubsub-wire.md alone, over the lamp peer for calls and sockets of libzmq for what is
published. Nothing here knows the TypeScript side."""

import asyncio
import secrets
import struct
from collections import deque

import zmq

import lamp_peer
from lamp_messages import CallError
from lamp_values import Decoder, Encoder
from messagepack import Malformed

READY, ITEMS, TALLY, END = range(4)
MOST = 2**52


class Watched:
    """A socket of libzmq in an event loop; calls `received` with each message, and `gone` once its connection is lost."""

    def __init__(self, kind, received, gone=None):
        self.socket = zmq.Context.instance().socket(kind)
        # What libzmq would drop without a word (section 7).
        self.socket.sndhwm = self.socket.rcvhwm = 0
        self.socket.linger = 0
        # A new connection is a new subscription (section 9).
        self.socket.reconnect_ivl = 3_600_000
        self.received = received
        self.gone = gone
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED) if gone else None
        self.loop = asyncio.get_running_loop()
        for socket in filter(None, (self.socket, self.monitor)):
            self.loop.add_reader(socket.fd, self.pump)
        self.loop.call_soon(self.pump)

    def send(self, frames):
        self.socket.send_multipart(frames)
        # The descriptor tells of changes only, and sending may have taken one.
        self.loop.call_soon(self.pump)

    def pump(self):
        while not self.socket.closed:
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            self.received(frames)
        if not self.socket.closed and self.monitor and self.monitor.poll(0):
            self.gone()

    def close(self):
        if self.socket.closed:
            return
        for socket in filter(None, (self.socket, self.monitor)):
            self.loop.remove_reader(socket.fd)
        if self.monitor:
            self.socket.disable_monitor()
            self.monitor.close()
        self.socket.close(0)


def number(octets):
    (value,) = struct.unpack(">Q", octets)
    if value > MOST:
        raise Malformed("a number above 2^52")
    return value


class Subscriber:
    """Follows the publisher of one interface at one address. `told` gets ("value", topic, number, value), ("gap", reason, missed),
    ("ready",) and ("end", code)."""

    def __init__(self, address, interface, told, topics=("",), policy="drop-oldest", buffer=1000, replay=0, retained=True):
        self.address, self.interface, self.told = address, interface, told
        self.wanted = {"topics": list(topics), "policy": policy, "buffer": buffer, "replay": replay, "retained": retained}
        self.incarnation = None
        self.last = None
        self.was_ready = self.closed = False
        self.link = self.over = None
        self.ready = False
        self.taken = 0

    async def follow(self):
        """Until it is closed, or the publisher says that nothing comes any more."""
        while not self.closed:
            calls = lamp_peer.connect(self.address)
            try:
                if await self.once(calls) == "CLOSED":
                    return
            except (CallError, asyncio.TimeoutError, Malformed):
                pass
            finally:
                calls.close("CLOSED", "done")
            await asyncio.sleep(0.05)

    async def once(self, calls):
        asked = dict(self.wanted)
        if self.last is not None:
            asked["after"] = {"incarnation": self.incarnation, "sequence": self.last}
        answer = (await calls.call((self.interface, "subscribe"), asked)).value
        if self.incarnation not in (None, answer["incarnation"]):
            self.told("gap", "gone", None)
            self.last = None
        self.incarnation = answer["incarnation"]
        self.calls, self.token = calls, answer["token"]
        self.ready, self.meant, self.past, self.first = False, 0, 0, 0
        self.taken = self.granted = 0
        self.over = asyncio.get_running_loop().create_future()
        self.link = Watched(zmq.SUB, self.receive, lambda: self.end("lost"))
        try:
            self.link.socket.connect(answer["endpoints"][0]["address"])
            self.link.socket.subscribe(self.token)
            return await self.over
        finally:
            self.link.close()

    def end(self, why):
        if not self.over.done():
            self.over.set_result(why)

    def receive(self, frames):
        if self.over.done():
            return
        try:
            self.message(frames)
        except (Malformed, struct.error, IndexError, UnicodeDecodeError) as error:
            self.told("gap", "malformed", None)
            self.over.set_exception(Malformed(str(error)))

    def message(self, frames):
        _token, head, *content = frames
        kind, before, skip = struct.unpack(">BQI", head)
        if kind > END or before > MOST or (kind == READY) == self.ready:
            raise Malformed("no message that can come now")
        if kind == READY:
            self.begin(*struct.unpack(">QI", content[0]))
            return
        if before < self.meant:
            raise Malformed("counted down")
        if before > self.meant:
            self.told("gap", "slow", before - self.meant)
        if kind == ITEMS:
            self.items(before, skip, content)
        else:
            self.know(before, number(content[0]))
        if kind == END:
            code = content[1].decode("ascii")
            self.told("end", code)
            self.end(code)

    def begin(self, start, past):
        missed = start - (self.last or 0) - past
        count = missed if "" in self.wanted["topics"] else None
        if missed > 0 and (self.last is not None or self.was_ready):
            self.told("gap", "late" if self.last is None else "connection", count)
        self.ready = self.was_ready = True
        self.first, self.past = start, past
        self.know(0, self.last or 0)
        self.told("ready")

    def know(self, meant, last):
        """So many items were meant for this subscription, of which the last has this number."""
        self.meant = max(self.meant, meant)
        if self.meant >= self.past:
            self.last = max(self.last or 0, self.first, last)
        elif meant:
            self.last = max(self.last or 0, last)

    def items(self, before, skip, content):
        body, *frames = content
        decoder = Decoder(body, frames, None)
        topic = decoder.value()
        if not isinstance(topic, str):
            raise Malformed("no topic")
        first = number(body[decoder.at : decoder.at + 8])
        (count,) = struct.unpack(">I", body[decoder.at + 8 : decoder.at + 12])
        at = decoder.at + 12
        if not 0 < count <= len(body) // 5 or skip >= count:
            raise Malformed("counted wrongly")
        self.know(before + count - skip, first + count - 1)
        for index in range(count):
            (size,) = struct.unpack(">I", body[at : at + 4])
            at += 4 + size
            if index < skip:
                continue
            item = Decoder(body[at - size : at], frames, None)
            item.depth = 0
            self.told("value", topic, first + index, item.value())
            self.take()

    def take(self):
        self.taken += 1
        if self.wanted["policy"] == "block" and self.taken - self.granted >= (self.wanted["buffer"] + 1) // 2:
            self.granted = self.taken
            self.calls.call((self.interface, "credit"), {"token": self.token, "taken": self.taken})

    def close(self):
        self.closed = True
        if self.over:
            self.end("CLOSED")


class Subscription:
    """One subscription, as its publisher sees it."""

    def __init__(self, wanted):
        self.wanted = wanted
        self.taken_up = False
        self.meant = 0
        self.last = 0

    def wants(self, topic):
        return any(topic.startswith(prefix) for prefix in self.wanted["topics"])


class Publisher:
    """A service with the methods of docs/pubsub-wire.md, section 2 and 7, and the XPUB socket beside it. Keeps the last `keep` items."""

    def __init__(self, keep=0):
        self._incarnation = secrets.token_hex(16)
        self._subscriptions = {}
        self._sequence = 0
        self._history = deque(maxlen=keep)
        self._link = Watched(zmq.XPUB, self._told)
        self._link.socket.bind("tcp://127.0.0.1:0")
        self._address = self._link.socket.last_endpoint.decode().rstrip("\0")

    async def subscribe(self, call, topics, policy, buffer, room=None, replay=0, retained=False, after=None):
        if policy == "block":
            raise CallError("BAD_REQUEST", "not-executed", "the policy block is not known here")
        token = secrets.token_hex(16)
        self._subscriptions[token] = Subscription({"topics": topics, "replay": replay, "after": after})
        endpoint = {"address": self._address, "wires": []}
        return {"token": token, "incarnation": self._incarnation, "endpoints": [endpoint]}

    async def credit(self, call, token, taken):
        raise CallError("BAD_REQUEST", "not-executed", "the policy block is not known here")

    def _told(self, frames):
        token = frames[0][1:].decode("latin-1")
        subscription = self._subscriptions.get(token)
        if not subscription:
            return
        if frames[0][0] == 0:
            del self._subscriptions[token]
        elif not subscription.taken_up:
            subscription.taken_up = True
            self._begin(token, subscription)

    def _begin(self, token, subscription):
        after = subscription.wanted["after"]
        known = after["sequence"] if after and after["incarnation"] == self._incarnation else None
        kept = [item for item in self._history if subscription.wants(item[1])]
        lost = self._sequence - len(self._history)
        if known is not None and known >= lost:
            start, past, again = known, 0, [item for item in kept if item[0] > known]
        else:
            again = [item for item in kept[-subscription.wanted["replay"] :] if item[0] > (known or 0)]
            if not subscription.wanted["replay"]:
                again = []
            start, past = self._sequence, len(again)
        self._send(token, subscription, READY, struct.pack(">QI", start, past))
        for first, topic, value in again:
            self._items(token, subscription, first, topic, [value])

    def _publish(self, topic, *values):
        """One batch."""
        first = self._sequence + 1
        self._sequence += len(values)
        self._history.extend((first + index, topic, value) for index, value in enumerate(values))
        for token, subscription in self._subscriptions.items():
            if subscription.taken_up and subscription.wants(topic):
                self._items(token, subscription, first, topic, values)

    def _drop(self, topic):
        """An item for which nobody had room."""
        self._sequence += 1
        for subscription in self._subscriptions.values():
            if subscription.taken_up and subscription.wants(topic):
                subscription.meant += 1
                subscription.last = self._sequence

    def _tally(self):
        for token, subscription in self._subscriptions.items():
            self._send(token, subscription, TALLY, struct.pack(">Q", subscription.last))

    def _end(self, code):
        for token, subscription in self._subscriptions.items():
            self._send(token, subscription, END, struct.pack(">Q", subscription.last), code.encode())
        self._subscriptions.clear()

    def _items(self, token, subscription, first, topic, values):
        body = Encoder(None)
        body.value(topic)
        out = bytearray(body.out) + struct.pack(">QI", first, len(values))
        frames = []
        for value in values:
            item = Encoder(None, len(frames))
            item.value(value)
            out += struct.pack(">I", len(item.out)) + item.out
            frames += item.frames
        self._send(token, subscription, ITEMS, bytes(out), *frames)
        subscription.meant += len(values)
        subscription.last = first + len(values) - 1

    def _send(self, token, subscription, kind, *content):
        self._link.send([token.encode(), struct.pack(">BQI", kind, subscription.meant, 0), *content])
