"""The jobs of the peer: those that the vectors call, and those with which tests find out what a peer survives."""

import asyncio

from pseud_registry import RESTRICTED, everywhere, local_registry


class OutOfPaint(Exception):
    pass


@everywhere.job("everywhere")
def of_the_process():
    return "global"


@everywhere.job("nearest")
def far():
    return "global"


def register(endpoint, tell):
    """Gives an endpoint its jobs. `tell` reports how a call ended that a job began in the background."""
    registry = endpoint.registry
    _register_simple(registry)
    _register_errors(registry)
    _register_domains(registry)
    _register_calls_back(endpoint, tell)


def _register_simple(registry):
    @registry.job()
    def hello(name):
        return f"Hello {name}"

    @registry.job()
    def add(a, b):
        return a + b

    @registry.job("please.do_that_job")
    def do_that_job(*args, **kwargs):
        return args, kwargs

    @registry.job()
    def nothing():
        return None

    @registry.job("draw.me.a.sheep")
    def sheep():
        return "beeeh"

    @registry.job()
    async def later(value):
        await asyncio.sleep(0)
        return value

    @registry.job(with_identity=True)
    def whoami(user_id):
        return user_id

    @registry.job()
    def echo(value):
        return value

    @registry.job("type.of")
    def type_of(value):
        return type(value).__name__

    @registry.job()
    async def slow(seconds, value=None):
        await asyncio.sleep(seconds)
        return value

    @registry.job("front.only")
    def front_only():
        return "small power"

    @registry.job("nearest")
    def near():
        return "local"


def _register_errors(registry):
    @registry.job()
    def boom():
        raise ValueError("boom")

    @registry.job()
    def boom_key():
        raise KeyError("missing")

    @registry.job()
    def boom_empty():
        raise RuntimeError

    @registry.job()
    def boom_oserror():
        raise FileNotFoundError(2, "No such file or directory", "sheep.txt")

    @registry.job()
    def boom_custom():
        raise OutOfPaint("no white left")

    @registry.job()
    def boom_decode():
        b"\xff".decode()

    @registry.job()
    def boom_not_found(name="elsewhere"):
        from pseud_errors import ServiceNotFoundError

        raise ServiceNotFoundError(name)

    @registry.job()
    def boom_called(name, message):
        """An error of any class name; to a peer in Python some are fatal."""
        raise type(name, (Exception,), {})(message)

    @registry.job()
    def unpackable():
        """Fatal for this peer: what goes wrong while a result is packed is no error of the job."""
        return {1, 2}

    @registry.job()
    async def cancelled():
        """Fatal for this peer."""
        raise asyncio.CancelledError

    @registry.job("no.predicate", domain="unheard-of")
    def no_predicate():
        return "never"


def _register_domains(registry):
    @registry.job("try_to_call_me")
    def small():
        return "small power"

    @registry.job("try_to_call_me", domain=RESTRICTED)
    def great():
        return "great power"

    @registry.job("only.admin", domain=RESTRICTED)
    def only_admin():
        return "great power"


def _register_calls_back(endpoint, tell):
    def addressee(user_id):
        return endpoint.peer_routing_id if endpoint.role == "client" else user_id

    @endpoint.registry.job("call.back", with_identity=True)
    def call_back(user_id, name, *args, **kwargs):
        """Returns first, then calls the peer; the outcome is told as an event."""
        call = endpoint.send_work(addressee(user_id), name, *args, **kwargs)
        tell(call)
        return "soon"

    @endpoint.registry.job("call.inside", with_identity=True)
    async def call_inside(user_id, name, *args, **kwargs):
        """Waits for the answer, which sits behind this very job: times out, and dies of the late answer."""
        return await endpoint.send_work(addressee(user_id), name, *args, **kwargs)


def behind():
    """The registry of the endpoint that another one is a proxy to."""
    registry = local_registry()
    registry.register(str.lower, "str.lower")

    @registry.job("proxied.whoami", with_identity=True)
    def whoami(user_id):
        return user_id

    return registry
