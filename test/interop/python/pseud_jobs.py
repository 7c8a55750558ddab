"""The jobs of the peer: those that the vectors call, and those with which tests find out what a peer survives."""

import asyncio

from pseud_errors import ServiceNotFoundError
from pseud_registry import RESTRICTED, Registry, everywhere, local_registry

# Of each endpoint its own.
local = Registry()


def register(endpoint, tell):
    """Gives an endpoint its jobs. `tell` reports how a call ended that a job began in the background."""
    for job in local.jobs.values():
        endpoint.registry.register(job.function, job.name, job.domain, job.with_identity)
    _register_calls_back(endpoint, tell)


def behind():
    """The registry of the endpoint that another one is a proxy to."""
    registry = local_registry()
    registry.register(str.lower, "str.lower")
    registry.register(whoami, "proxied.whoami", with_identity=True)
    return registry


@local.job()
def hello(name):
    return f"Hello {name}"


@local.job()
def add(a, b):
    return a + b


@local.job("please.do_that_job")
def do_that_job(*args, **kwargs):
    return args, kwargs


@local.job()
def nothing():
    return None


@local.job("draw.me.a.sheep")
def sheep():
    return "beeeh"


@local.job()
async def later(value):
    await asyncio.sleep(0)
    return value


@local.job(with_identity=True)
def whoami(user_id):
    return user_id


@local.job()
def echo(value):
    return value


@local.job("type.of")
def type_of(value):
    return type(value).__name__


@local.job()
async def slow(seconds, value=None):
    await asyncio.sleep(seconds)
    return value


@local.job("front.only")
def front_only():
    return "small power"


# ---------------------------------------------------------------- errors


class OutOfPaint(Exception):
    pass


@local.job()
def boom():
    raise ValueError("boom")


@local.job()
def boom_key():
    raise KeyError("missing")


@local.job()
def boom_empty():
    raise RuntimeError


@local.job()
def boom_oserror():
    raise FileNotFoundError(2, "No such file or directory", "sheep.txt")


@local.job()
def boom_custom():
    raise OutOfPaint("no white left")


@local.job()
def boom_decode():
    """Its error is fatal for a caller in Python."""
    b"\xff".decode()


@local.job()
def boom_not_found(name):
    """As if it did not exist itself: makes a proxy try the other endpoint."""
    raise ServiceNotFoundError(name)


@local.job()
def boom_called(name, message):
    """An error of any class name; of some a caller in Python dies."""
    raise type(name, (Exception,), {})(message)


@local.job()
def unpackable():
    """Fatal for this peer: what goes wrong while a result is packed is no error of the job."""
    return {1, 2}


@local.job()
async def cancelled():
    """Fatal for this peer."""
    raise asyncio.CancelledError


# ---------------------------------------------------------------- domains


@local.job("try_to_call_me")
def small_power():
    return "small power"


@local.job("try_to_call_me", domain=RESTRICTED)
def great_power():
    return "great power"


@local.job("only.admin", domain=RESTRICTED)
def only_admin():
    return "great power"


@local.job("no.predicate", domain="unheard-of")
def no_predicate():
    return "never"


@everywhere.job("everywhere")
def of_the_process():
    return "global"


@everywhere.job("nearest")
def far():
    return "global"


@local.job("nearest")
def near():
    return "local"


@everywhere.job("most.special", domain=RESTRICTED)
def special():
    return "global, restricted"


@local.job("most.special")
def ordinary():
    return "local"


# ---------------------------------------------------------------- calling back


def _register_calls_back(endpoint, tell):
    def addressee(user_id):
        return endpoint.peer_routing_id if endpoint.role == "client" else user_id

    @endpoint.registry.job("call.back", with_identity=True)
    def call_back(user_id, name, *args, **kwargs):
        """Returns first, then calls the peer; the outcome is told as an event."""
        tell(endpoint.send_work(addressee(user_id), name, *args, **kwargs))
        return "soon"

    @endpoint.registry.job("call.inside", with_identity=True)
    async def call_inside(user_id, name, *args, **kwargs):
        """Waits for the answer, which sits behind this very job: times out, and dies of the late answer."""
        return await endpoint.send_work(addressee(user_id), name, *args, **kwargs)
