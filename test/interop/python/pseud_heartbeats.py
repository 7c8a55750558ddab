"""The heartbeat plugins of pseud: noop, and the one that its tests have."""

import asyncio

import zmq

import pseud_messages as messages

INTERVAL_S = 0.1
LIMIT_S = 0.2


class Noop:
    def __init__(self, endpoint):
        self.endpoint = endpoint

    def configure(self):
        pass

    async def stop(self):
        pass

    async def handle_heartbeat(self, user_id, routing_id):
        pass

    async def handle_timeout(self, user_id, routing_id):
        pass


class TestingClient(Noop):
    """Sends one heartbeat each interval. The library's blocks at the first message that comes; this one does not."""

    task = None

    def configure(self):
        if self.task is None:
            self.task = asyncio.get_running_loop().create_task(self._beat())

    async def _beat(self):
        interval = self.endpoint.settings.get("interval", INTERVAL_S)
        while True:
            await self.endpoint.send_message(
                messages.compose(self.endpoint.peer_routing_id, b"", messages.HEARTBEAT)
            )
            await asyncio.sleep(interval)

    async def stop(self):
        if self.task:
            self.task.cancel()
            await asyncio.wait([self.task])


class TestingServer(Noop):
    """Reports a user as gone that has sent nothing for too long.

    Publishes that and each sign of life where it is told to; the library's always does, at
    `ipc://testing_heartbeating_backend`.
    """

    def __init__(self, endpoint):
        super().__init__(endpoint)
        self.limit = endpoint.settings.get("limit", LIMIT_S)
        self.timers = {}
        self.gone = []
        self.publisher = None

    def configure(self):
        if self.publisher is None and "publish" in self.endpoint.settings:
            self.publisher = self.endpoint.context.socket(zmq.PUB)
            self.publisher.bind(self.endpoint.settings["publish"])

    async def publish(self, octets):
        if self.publisher:
            await self.publisher.send(octets)

    async def handle_heartbeat(self, user_id, routing_id):
        await self.publish(user_id)
        if user_id in self.timers:
            self.timers[user_id].cancel()
        loop = asyncio.get_running_loop()
        self.timers[user_id] = loop.call_later(self.limit, self._expire, user_id, routing_id)

    def _expire(self, user_id, routing_id):
        asyncio.get_running_loop().create_task(self.handle_timeout(user_id, routing_id))

    async def handle_timeout(self, user_id, routing_id):
        self.gone.append(user_id)
        self.endpoint.notify("gone", user=user_id, routing=routing_id)
        await self.publish(b"Gone " + user_id)

    async def stop(self):
        for timer in self.timers.values():
            timer.cancel()
        if self.publisher:
            self.publisher.close(linger=0)
