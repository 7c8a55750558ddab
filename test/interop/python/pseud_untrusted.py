"""untrusted_curve: the challenge at the level of pseud, with the weaknesses that the library's plugin has."""

import pseud_messages as messages
from pseud_auth import CurveClient, CurveServer
from pseud_errors import UnauthorizedError

MAX_HELLOS = 2


class UntrustedCurveServer(CurveServer):
    def __init__(self, endpoint):
        super().__init__(endpoint)
        self.trusted = {}
        self.pending = {}

    def user_of_key(self, key):
        return self.trusted.get(key, key)

    def is_authenticated(self, user_id):
        return user_id in self.trusted or user_id in self.trusted.values()

    async def handle_authentication(self, user_id, routing_id, uid):
        """The message that was not HELLO is lost; whoever sent it is asked who it is."""
        self.pending[routing_id] = user_id
        await self._say(routing_id, uid, messages.UNAUTHORIZED, "Authentication Required")

    async def handle_hello(self, user_id, routing_id, uid, body):
        login, password = self.endpoint.bodies.unpack(body)
        # Without a challenge before there is no key, which is fatal.
        key = self.pending[routing_id]
        users = self.endpoint.settings.get("users") or {}
        if login in users and users[login] == password:
            self.trusted[key] = login
            self.routing_ids[login] = routing_id
            await self._say(routing_id, uid, messages.AUTHENTICATED, f"Welcome {login!r}")
        else:
            await self._say(routing_id, uid, messages.UNAUTHORIZED, "Authentication Error")

    async def _say(self, routing_id, uid, kind, text):
        await self.endpoint.send_message(messages.compose(routing_id, uid, kind, text.encode()))


class UntrustedCurveClient(CurveClient):
    def __init__(self, endpoint):
        super().__init__(endpoint)
        # Never reset.
        self.hellos = 0
        # Keeps what has been answered, too.
        self.saved = []

    def save_last_work(self, frames):
        self.saved.append(frames)

    async def handle_authentication(self, user_id, routing_id, uid):
        if self.hellos >= MAX_HELLOS:
            self.endpoint.fail(uid, UnauthorizedError("Max authentication retries reached"))
            return
        self.hellos += 1
        body = self.endpoint.bodies.pack((self.endpoint.user_id, self.endpoint.password))
        await self.endpoint.send_message(messages.compose(routing_id, uid, messages.HELLO, body))

    async def handle_authenticated(self, body):
        if self.saved:
            await self.endpoint.send_message(self.saved.pop(0))
