"""A peer of pseud v1 for interoperability tests, written from the description of the protocol alone.

    pseud_peer.py OPTIONS

OPTIONS is a JSON object, see `Program`. Commands come as one JSON object per line on stdin, each with an `id`, and each
is answered by one line with that `id`; lines without tell of events. Values are in the notation of `pseud_notation`.
Ends with stdin. The first line is `{"event": "ready", "address": ADDRESS}`.
"""

import asyncio
import collections
import concurrent.futures
import decimal
import json
import sys

import pseud_jobs
from pseud_endpoint import Client, Server
from pseud_notation import from_json, to_json
from pseud_outcomes import describe_error, outcome
from pseud_sync import SyncClient

LINE_LIMIT = 2**26


def octets(told):
    """User ids, passwords and the like: text stands for its UTF-8."""
    return told.encode() if isinstance(told, str) else from_json(told)


def table(told):
    return None if told is None else {octets(key): octets(value) for key, value in told.items()}


def say(told):
    print(json.dumps(told, allow_nan=False), flush=True)


class Program:
    """Keeps one endpoint and does what it is told."""

    def __init__(self, options):
        self.options = options
        self.address = ""
        # Each pair of user id and routing id that was seen, in that order.
        self.users = []
        self.counts = collections.Counter()
        self.background = set()
        self.endpoint = self.make()
        if self.options["role"] == "sync":
            self.thread = concurrent.futures.ThreadPoolExecutor(1)
            self.commands = {"call": self.call_sync, "connect": self.connect, "stop": self.stop}
            return
        self.endpoint.notify = self.notify
        pseud_jobs.register(self.endpoint, self.tell_later)
        self.commands = {
            "call": self.call,
            "state": self.state,
            "received": self.received,
            "send": self.send,
            "connect": self.connect,
            "disconnect": self.disconnect,
            "stop": self.stop,
        }

    # ------------------------------------------------------------ making the endpoint

    def make(self):
        told = self.options
        common = {
            "security_plugin": {"noop": "noop_auth_backend"}.get(told.get("plugin", "noop"), told.get("plugin")),
            "timeout": told.get("timeout", 5),
            "password": octets(told["password"]) if "password" in told else None,
            "translation_table": self.translations(),
        }
        for name, option in (("public_key", "publicKey"), ("secret_key", "secretKey"), ("peer_public_key", "peerKey")):
            common[name] = told[option].encode() if option in told else None
        if told["role"] == "sync":
            return SyncClient(user_id=octets(told["user"]) if "user" in told else None, **common)
        common["heartbeat_plugin"] = f"{told.get('heartbeat', 'noop')}_heartbeat_backend"
        common["probes"] = told.get("probe", True)
        common["settings"] = self.settings()
        if told.get("proxy"):
            common["proxy_to"] = Server(b"behind", registry=pseud_jobs.behind())
        if told["role"] == "server":
            return Server(octets(told.get("id", "service")), **common)
        user = octets(told["user"]) if "user" in told else None
        return Client(octets(told.get("peer", "service")), user_id=user, **common)

    def settings(self):
        told = self.options
        settings = {name: told[name] for name in ("interval", "limit", "publish") if name in told}
        settings["users"] = table(told.get("users"))
        settings["keys"] = {key.encode(): octets(user) for user, key in told.get("keys", {}).items()}
        settings["admins"] = [octets(user) for user in told["admins"]] if "admins" in told else None
        return settings

    def translations(self):
        code = self.options.get("decimal")
        if code is None:
            return None
        return {code: (decimal.Decimal, lambda value: str(value).encode(), lambda text: decimal.Decimal(text.decode()))}

    # ------------------------------------------------------------ events

    def notify(self, event, **facts):
        if event == "message":
            self.counts[facts["type"]] += 1
            seen = {"user": facts["user"], "routing": facts["routing"]}
            if seen not in self.users:
                self.users.append(seen)
                self.notify("user", **seen)
        say({"event": event, **{name: to_json(fact) for name, fact in facts.items()}})

    def tell_later(self, call):
        async def tell():
            say({"event": "callback", **await outcome(call)})

        self.keep(tell())

    def keep(self, coroutine):
        task = asyncio.get_running_loop().create_task(coroutine)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    # ------------------------------------------------------------ commands

    async def call(self, name, args=(), kwargs=None, to=None):
        arguments = [from_json(value) for value in args]
        named = {key: from_json(value) for key, value in (kwargs or {}).items()}
        addressee = self.endpoint.peer_routing_id if to is None else octets(to)
        return await outcome(self.endpoint.send_to(addressee).call(name, *arguments, **named))

    async def call_sync(self, name, args=(), kwargs=None):
        arguments = [from_json(value) for value in args]
        named = {key: from_json(value) for key, value in (kwargs or {}).items()}

        def blocking():
            return self.endpoint.call(name, *arguments, **named)

        return await outcome(asyncio.get_running_loop().run_in_executor(self.thread, blocking))

    async def state(self):
        endpoint = self.endpoint
        return {
            "alive": endpoint.reader is not None and endpoint.death is None,
            "reason": endpoint.death,
            "pending": len(endpoint.pending),
            "users": to_json(self.users),
            "messages": dict(self.counts),
            "gone": [to_json(user) for user in getattr(endpoint.heartbeats, "gone", ())],
        }

    async def received(self):
        """Each message that came, as its frames on the wire."""
        return {"received": [[frame.hex() for frame in frames] for _, frames in self.endpoint.received]}

    async def send(self, frames, to=None):
        """Any frames whatever."""
        addressee = self.endpoint.peer_routing_id if to is None else self.endpoint.auth.get_routing_id(octets(to))
        await self.endpoint.send_message([addressee, *map(bytes.fromhex, frames)])
        return {}

    async def connect(self, address):
        self.endpoint.connect(address)
        return {}

    async def disconnect(self, address):
        self.endpoint.disconnect(address)
        return {}

    async def stop(self):
        if self.options["role"] == "sync":
            self.thread.shutdown()
            self.endpoint.close()
        elif not self.endpoint.stopped:
            await self.endpoint.stop()
        return {}

    # ------------------------------------------------------------ running

    async def obey(self, command):
        number, name = command.pop("id"), command.pop("do")
        try:
            answer = await self.commands[name](**command)
        except Exception as error:
            answer = describe_error(error)
        say({"id": number, **answer})

    async def run(self):
        for address in self.listed("bind"):
            self.address = self.endpoint.bind(address)
        for address in self.listed("connect"):
            self.endpoint.connect(address)
            self.address = self.address or address
        if self.options["role"] != "sync" and self.address and self.options.get("start", True):
            self.endpoint.start()
        say({"event": "ready", "address": self.address})
        lines = asyncio.StreamReader(limit=LINE_LIMIT)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := await lines.readline():
            self.keep(self.obey(json.loads(line)))
        await self.stop()

    def listed(self, option):
        told = self.options.get(option, [])
        return [told] if isinstance(told, str) else told


async def main():
    await Program(json.loads(sys.argv[1])).run()


if __name__ == "__main__":
    asyncio.run(main())
