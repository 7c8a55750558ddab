"""Feeds running endpoints with frames over sockets that know nothing of pseud, and tells what becomes of them."""

import asyncio
import contextlib

import zmq
import zmq.asyncio

import pseud_jobs
import pseud_messages as messages
from pseud_endpoint import Client, Server
from pseud_outcomes import outcome

ANYWHERE = "tcp://127.0.0.1:*"


@contextlib.asynccontextmanager
async def running_server():
    """A server with all jobs, and a socket that is connected to it."""
    server = Server(b"service", proxy_to=Server(b"behind", registry=pseud_jobs.behind()))
    pseud_jobs.register(server, lambda call: call.close())
    with server.context.socket(zmq.DEALER) as dealer:
        dealer.linger = 0
        dealer.connect(server.bind(ANYWHERE))
        server.start()
        try:
            yield server, dealer
        finally:
            await server.stop()


@contextlib.asynccontextmanager
async def running_client():
    """A client, a socket that it is connected to, and the routing id that it has there."""
    client = Client(b"service")
    pseud_jobs.register(client, lambda call: call.close())
    with client.context.socket(zmq.ROUTER) as router:
        router.linger = 0
        router.setsockopt(zmq.IDENTITY, b"service")
        router.bind(ANYWHERE)
        client.connect(router.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode())
        client.start()
        routing_id, probe = await router.recv_multipart()
        assert probe == b"", probe
        try:
            yield client, router, routing_id
        finally:
            await client.stop()


def _check_call(endpoint):
    return messages.compose(b"", b"still there?", messages.WORK, endpoint.bodies.pack(("nothing", (), {})))[1:]


async def ask_server(frames):
    """What a server answers."""
    async with running_server() as (_, dealer):
        await dealer.send_multipart(frames)
        return await dealer.recv_multipart()


async def feed_server(frames, is_fatal):
    """Why the server died of it. One that should survive has to answer a call that comes after."""
    async with running_server() as (server, dealer):
        await dealer.send_multipart(frames)
        if is_fatal:
            await server.died.wait()
            return server.death
        await dealer.send_multipart(_check_call(server))
        while (await dealer.recv_multipart())[2] != b"still there?":
            pass
        return server.death


async def feed_client(frames, is_fatal):
    """The same of a client."""
    async with running_client() as (client, router, routing_id):
        await router.send_multipart([routing_id, *frames])
        if is_fatal:
            await client.died.wait()
            return client.death
        await router.send_multipart([routing_id, *_check_call(client)])
        while (await router.recv_multipart())[3] != b"still there?":
            pass
        return client.death


async def _call_answered_by(kind, body):
    async with running_client() as (client, router, routing_id):
        call = asyncio.ensure_future(outcome(client.call("anything")))
        _, _, _, uid, _, _ = await router.recv_multipart()
        await router.send_multipart(messages.compose(routing_id, uid, kind, body))
        return await call, client.death


async def outcome_of(kind, body):
    """How a call ends that is answered so."""
    told, _ = await _call_answered_by(kind, body)
    return told


async def fail_a_call(name):
    """How a call ends that an error of this name answers, and why the client died of it."""
    return await _call_answered_by(messages.ERROR, Client(b"service").bodies.pack((name, "text", "")))
