"""Client and Server of pseud: one ROUTER socket, and a reader that takes one message at a time, the whole job included.

The reader ends for good with the first error outside of a job, as the library's does. The reason goes to stderr and
stays in `death`.
"""

import asyncio
import collections
import sys
import uuid

import zmq
import zmq.asyncio

import pseud_errors
import pseud_messages as messages
import pseud_plugins
from pseud_bodies import Bodies
from pseud_errors import ServiceNotFoundError, WaitsForEver
from pseud_registry import local_registry

ATTEMPTS = 5
RETRY_S = 0.1


class Endpoint:
    role = None

    def __init__(
        self,
        user_id=None,
        peer_routing_id=None,
        security_plugin="noop_auth_backend",
        heartbeat_plugin="noop_heartbeat_backend",
        public_key=None,
        secret_key=None,
        peer_public_key=None,
        password=None,
        timeout=5,
        proxy_to=None,
        registry=None,
        translation_table=None,
        context=None,
        settings=None,
        probes=True,
    ):
        self.user_id = user_id
        self.peer_routing_id = peer_routing_id
        self.public_key = public_key
        self.secret_key = secret_key
        self.peer_public_key = peer_public_key
        self.password = password
        self.timeout = timeout
        self.proxy_to = proxy_to
        self.registry = registry or local_registry()
        self.bodies = Bodies(translation_table)
        self.context = context or zmq.asyncio.Context.instance()
        # What the plugins of the tests are told: users, keys, admins, intervals.
        self.settings = settings or {}
        # Releases up to 1.0.0-a1 send no probes and die of them.
        self.probes = probes
        self.auth = pseud_plugins.create(security_plugin, self)
        self.heartbeats = pseud_plugins.create(heartbeat_plugin, self)
        self.socket = None
        self.reader = None
        self.death = None
        self.died = asyncio.Event()
        self.stopped = False
        self.pending = {}
        self.attempts = collections.Counter()
        # For tests: what came, as (routing id, wire frames), and who wants to know of events.
        self.received = []
        self.notify = lambda event, **facts: None

    # ------------------------------------------------------------ the socket

    def bind(self, address):
        self._open(probe=False)
        self.socket.bind(address)
        return self.socket.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()

    def connect(self, address):
        self._open(probe=self.probes)
        self.socket.connect(address)

    def disconnect(self, address):
        self.socket.disconnect(address)

    def _open(self, probe):
        if self.stopped:
            raise RuntimeError("a stopped endpoint cannot be started again")
        if self.socket is None:
            self.socket = self.context.socket(zmq.ROUTER)
            if self.role == "server" and self.user_id:
                self.socket.setsockopt(zmq.IDENTITY, self.user_id)
            self.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
            self.socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
            self.socket.setsockopt(zmq.SNDTIMEO, int(self.timeout * 1000))
        self.socket.setsockopt(zmq.PROBE_ROUTER, int(probe))
        self.auth.configure()
        self.heartbeats.configure()

    def start(self):
        if self.socket is None:
            raise RuntimeError("neither bound nor connected")
        self.attempts.clear()
        if self.reader is None:
            self.reader = asyncio.get_running_loop().create_task(self._read())

    async def stop(self):
        """Calls in flight are left to their timeouts."""
        self.stopped = True
        if self.reader:
            self.reader.cancel()
            await asyncio.wait([self.reader])
        await self.heartbeats.stop()
        await self.auth.stop()
        if self.socket:
            self.socket.close(linger=0)
            self.socket = None

    async def send_message(self, frames):
        """Tries again while nobody has that routing id, then drops the message; other failures are swallowed."""
        routing_id = frames[0]
        while True:
            try:
                await self.socket.send_multipart(frames)
                return
            except zmq.ZMQError as error:
                self.attempts[routing_id] += 1
                if error.errno != zmq.EHOSTUNREACH or self.attempts[routing_id] >= ATTEMPTS:
                    return
            await asyncio.sleep(RETRY_S)

    # ------------------------------------------------------------ calls

    def send_to(self, user_id):
        """Calls to one user: `await endpoint.send_to(b"alice").call("draw.me.a.sheep")`."""
        return Calls(self, user_id)

    async def call(self, name, *args, **kwargs):
        return await self.send_work(self.peer_routing_id, name, *args, **kwargs)

    async def send_work(self, user_id, name, *args, **kwargs):
        self.start()
        loop = asyncio.get_running_loop()
        uid = uuid.uuid4().bytes
        body = self.bodies.pack((name, args, kwargs))
        routing_id = self.auth.get_routing_id(user_id)
        frames = messages.compose(routing_id, uid, messages.WORK, body)
        self.auth.save_last_work(frames)
        future = self.pending[uid] = loop.create_future()
        timer = loop.call_later(self.timeout, self._expire, uid)
        try:
            await self.send_message(frames)
            return await future
        finally:
            timer.cancel()
            self.pending.pop(uid, None)

    def _expire(self, uid):
        """Only what is still pending: a call that the reader took out and could not complete waits for ever."""
        future = self.pending.pop(uid, None)
        if future and not future.done():
            future.set_exception(asyncio.TimeoutError())

    def fail(self, uid, error):
        """Fails the call of this uid, if there is one."""
        future = self.pending.pop(uid, None)
        if future:
            future.set_exception(error)

    # ------------------------------------------------------------ reading

    async def _read(self):
        try:
            while True:
                frames = await self.socket.recv_multipart(copy=False)
                self.received.append((frames[0].bytes, [frame.bytes for frame in frames[1:]]))
                await self._receive(frames)
        except BaseException as error:
            if self.stopped:
                raise
            self._die(error)
            if isinstance(error, (SystemExit, KeyboardInterrupt)):
                raise

    def _die(self, error):
        self.death = f"{type(error).__name__}: {error}"
        print(f"reader died: {self.death}", file=sys.stderr, flush=True)
        self.died.set()
        self.notify("died", reason=self.death)

    async def _receive(self, frames):
        octets = [frame.bytes for frame in frames]
        routing_id, version, uid, kind, body = messages.split(octets, self.probes)
        user_id = self._user_of(frames[-1])
        if user_id is None:
            user_id = b""
        else:
            self.auth.register_routing_id(user_id, routing_id)
        self.notify("message", user=user_id, routing=routing_id, type=messages.name_of(kind))
        if version is None:
            return
        messages.check_version(version)
        if not self.auth.is_authenticated(user_id):
            if kind == messages.HELLO:
                await self.auth.handle_hello(user_id, routing_id, uid, body)
            else:
                await self.auth.handle_authentication(user_id, routing_id, uid)
            return
        await self.heartbeats.handle_heartbeat(user_id, routing_id)
        await self._dispatch(user_id, routing_id, uid, kind, body)

    @staticmethod
    def _user_of(frame):
        """The User-Id that the handler of ZAP gave to the connection, None without one."""
        try:
            return frame.get("User-Id").encode()
        except zmq.ZMQError:
            return None

    async def _dispatch(self, user_id, routing_id, uid, kind, body):
        if kind == messages.WORK:
            await self._work(user_id, routing_id, uid, body)
        elif kind == messages.OK:
            result = self.bodies.unpack(body)
            self.pending.pop(uid).set_result(result)
        elif kind == messages.ERROR:
            self._fail_remotely(uid, self.bodies.unpack(body))
        elif kind == messages.AUTHENTICATED:
            await self.auth.handle_authenticated(body)
        elif kind == messages.UNAUTHORIZED:
            await self.auth.handle_authentication(user_id, routing_id, uid)
        elif kind not in (messages.HELLO, messages.HEARTBEAT):
            raise KeyError(f"unknown type {kind!r}")

    def _fail_remotely(self, uid, told):
        name, message, trace = told
        future = self.pending.pop(uid)
        try:
            future.set_exception(pseud_errors.rebuild(name, message, trace))
        except BaseException:
            future.set_exception(WaitsForEver())
            raise

    async def _work(self, user_id, routing_id, uid, body):
        name, args, kwargs = self.bodies.unpack(body)
        try:
            kind, value = messages.OK, await self._run_or_proxy(user_id, name, args, kwargs)
        except Exception as error:
            kind, value = messages.ERROR, pseud_errors.describe(error)
        await self.send_message(messages.compose(routing_id, uid, kind, self.bodies.pack(value)))

    async def _run_or_proxy(self, user_id, name, args, kwargs):
        try:
            return await self._run(user_id, name, args, kwargs)
        except ServiceNotFoundError:
            if self.proxy_to is None:
                raise
            return await self.proxy_to._run(user_id, name, args, kwargs)

    async def _run(self, user_id, name, args, kwargs):
        job = self.registry.find(name, self.auth.get_predicate_arguments(user_id))
        result = job.function(user_id, *args, **kwargs) if job.with_identity else job.function(*args, **kwargs)
        return await result if asyncio.iscoroutine(result) else result


class Calls:
    def __init__(self, endpoint, user_id):
        self.endpoint = endpoint
        self.user_id = user_id

    async def call(self, name, *args, **kwargs):
        return await self.endpoint.send_work(self.user_id, name, *args, **kwargs)


class Server(Endpoint):
    role = "server"

    def __init__(self, user_id, **options):
        super().__init__(user_id, **options)


class Client(Endpoint):
    role = "client"

    def __init__(self, peer_routing_id, **options):
        super().__init__(peer_routing_id=peer_routing_id, **options)
