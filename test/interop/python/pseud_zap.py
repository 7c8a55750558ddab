"""The handler of ZAP 1.0: asked by libzmq for each connection, it refuses it or gives it a user id."""

import asyncio

import zmq

ENDPOINT = "inproc://zeromq.zap.01"


def answer(request, decide):
    """The frames of the answer. `decide` takes mechanism and credentials, and gives the user id, or None to refuse."""
    version, request_id, _domain, _address, _identity, mechanism, *credentials = request
    user_id = decide(mechanism, credentials)
    if user_id is None:
        return [version, request_id, b"400", b"Unauthorized", b"", b""]
    return [version, request_id, b"200", b"OK", user_id, b""]


class ZapHandler:
    """One for each context, for the endpoint can be bound once."""

    def __init__(self, context, decide):
        self.decide = decide
        self.socket = context.socket(zmq.REP)
        self.socket.bind(ENDPOINT)
        self.task = asyncio.get_running_loop().create_task(self._serve())

    async def _serve(self):
        while True:
            request = await self.socket.recv_multipart()
            await self.socket.send_multipart(answer(request, self.decide))

    async def stop(self):
        self.task.cancel()
        await asyncio.wait([self.task])
        self.socket.close(linger=0)
