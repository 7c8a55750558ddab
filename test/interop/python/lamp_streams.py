"""Streams of the lamp wire, written from docs/lamp-wire.md, section 4."""

import asyncio
from collections import deque

from lamp_messages import CallError, Kind, Refused

WINDOW_ITEMS = 64
WINDOW_BYTES = 1 << 20


class Outgoing:
    """A stream that this end sends: takes items from `source` as the receiver has room for them."""

    def __init__(self, connection, number, source):
        self.connection = connection
        self.number = number
        self.source = source
        self.room = WINDOW_ITEMS
        self.sizes = deque()
        self.credited = asyncio.Event()
        self.task = asyncio.create_task(self.run())

    async def run(self):
        try:
            async for item in self.source:
                size = self.connection.encode([item]).size
                while self.room == 0 or (self.sizes and sum(self.sizes) + size > WINDOW_BYTES):
                    self.credited.clear()
                    await self.credited.wait()
                self.room -= 1
                self.sizes.append(size)
                self.connection.write(Kind.ITEM, self.number, item)
            self.connection.write(Kind.END, self.number)
        except asyncio.CancelledError:
            await self.source.aclose()
            raise
        except Exception as error:
            self.connection.write(Kind.END, self.number, CallError.of(error).write())
        finally:
            self.connection.sending.pop(self.number, None)

    def credit(self, items):
        self.room += items
        for _ in range(min(items, len(self.sizes))):
            self.sizes.popleft()
        self.credited.set()


class Incoming:
    """A stream that the other end sends, to be iterated over once. `web` tells that it was a web stream."""

    def __init__(self, connection, number, web):
        self.connection = connection
        self.number = number
        self.web = web
        self.waiting = deque()
        self.changed = asyncio.Event()
        self.granted = WINDOW_ITEMS
        self.eager = True
        self.over = False
        self.error = None

    def item(self, value):
        if self.granted == 0:
            raise Refused("PROTOCOL", "more items than were granted")
        self.granted -= 1
        self.waiting.append(value)
        self.changed.set()

    def end(self, error=None):
        self.over = True
        self.error = error
        self.changed.set()

    def grant(self, items):
        self.granted += items
        self.connection.write(Kind.CREDIT, self.number, items)

    def stop(self):
        if not self.over:
            self.over = True
            self.waiting.clear()
            del self.connection.receiving[self.number]
            self.connection.write(Kind.STOP, self.number)

    def __aiter__(self):
        return self

    async def __anext__(self):
        while not self.waiting:
            if self.over:
                if self.error:
                    raise self.error
                raise StopAsyncIteration
            self.changed.clear()
            await self.changed.wait()
        if self.eager and not self.over:
            self.grant(1)
        return self.waiting.popleft()
