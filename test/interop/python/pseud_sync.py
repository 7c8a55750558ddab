"""SyncClient of pseud: a REQ socket and calls that block."""

import asyncio
import uuid

import zmq

import pseud_errors
import pseud_messages as messages
from pseud_bodies import Bodies


class SyncClient:
    """After a timeout the state of the socket makes each further call fail."""

    def __init__(
        self,
        user_id=None,
        security_plugin="noop_auth_backend",
        public_key=None,
        secret_key=None,
        peer_public_key=None,
        password=None,
        timeout=5,
        translation_table=None,
    ):
        self.bodies = Bodies(translation_table)
        self.socket = zmq.Context.instance().socket(zmq.REQ)
        self.socket.linger = 0
        self.socket.sndtimeo = self.socket.rcvtimeo = int(timeout * 1000)
        if security_plugin == "plain":
            self.socket.plain_username = user_id
            self.socket.plain_password = password
        elif security_plugin == "trusted_curve":
            self.socket.curve_publickey = public_key
            self.socket.curve_secretkey = secret_key
            self.socket.curve_serverkey = peer_public_key
        elif security_plugin != "noop_auth_backend":
            raise ValueError(f"a SyncClient cannot use {security_plugin}")

    def connect(self, address):
        self.socket.connect(address)

    def disconnect(self, address):
        self.socket.disconnect(address)

    def call(self, name, *args, **kwargs):
        request = [messages.VERSION, uuid.uuid4().bytes, messages.WORK, self.bodies.pack((name, args, kwargs))]
        try:
            self.socket.send_multipart(request)
            version, _uid, kind, body = self.socket.recv_multipart()
        except zmq.Again:
            raise asyncio.TimeoutError from None
        messages.check_version(version)
        if kind == messages.OK:
            return self.bodies.unpack(body)
        if kind == messages.ERROR:
            raise pseud_errors.rebuild(*self.bodies.unpack(body))
        raise KeyError(f"a reply of type {kind!r}")

    def close(self):
        self.socket.close()
