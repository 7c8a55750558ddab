"""A peer of libzmq that echoes, or asks for echoes, for the ZMTP interoperability matrix.

usage: zmtp_peer.py serve|ask SOCKET MECHANISM ADDRESS KEYS

SOCKET is ROUTER or REP (serve), DEALER or REQ (ask). MECHANISM is null, plain or curve. KEYS is JSON with the members
that CURVE needs, as Z85 text: server_public, server_secret, client_public, client_secret, admitted.

serve prints "ready ADDRESS" and echoes until it is killed. ask sends messages of many sizes, checks each echo and prints
"ok N" or "failed WHY".
"""

import hashlib
import json
import sys

import zmq
from zmq.auth.thread import ThreadAuthenticator

SIZES = [0, 1, 127, 128, 254, 255, 256, 257, 8191, 8192, 65535, 65536, 1 << 20, 64 << 20]
USER, PASSWORD = b"alice", b"pa55"


def make(context, kind, mechanism, keys, serving):
    sock = context.socket(getattr(zmq, kind))
    sock.linger = 0
    if mechanism == "plain":
        if serving:
            sock.plain_server = True
        else:
            sock.plain_username, sock.plain_password = USER, PASSWORD
    elif mechanism == "curve":
        side = "server" if serving else "client"
        sock.curve_publickey = keys[side + "_public"].encode()
        sock.curve_secretkey = keys[side + "_secret"].encode()
        if serving:
            sock.curve_server = True
        else:
            sock.curve_serverkey = keys["server_public"].encode()
    return sock


class OneKey:
    """Admits one key, and nobody else."""

    def __init__(self, key):
        self.key = key.encode()

    def callback(self, _domain, key):
        return key == self.key


def admit(context, mechanism, keys):
    """Answers libzmq's questions about credentials, as long as what is returned is kept."""
    if mechanism == "null":
        return None
    auth = ThreadAuthenticator(context)
    auth.start()
    if mechanism == "plain":
        auth.configure_plain(domain="*", passwords={USER.decode(): PASSWORD.decode()})
    else:
        auth.configure_curve_callback(domain="*", credentials_provider=OneKey(keys["admitted"]))
    return auth


def serve(context, kind, mechanism, address, keys):
    auth = admit(context, mechanism, keys)
    sock = make(context, kind, mechanism, keys, True)
    sock.bind(address)
    print("ready", sock.last_endpoint.decode().rstrip("\0"), flush=True)
    while auth is None or auth.is_alive():
        sock.send_multipart(sock.recv_multipart())


def ask(context, kind, mechanism, address, keys):
    sock = make(context, kind, mechanism, keys, False)
    sock.rcvtimeo = 20000
    sock.connect(address)
    count = 0
    for size in SIZES:
        body = hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1)
        message = [b"head", b"", body[:size]]
        sock.send_multipart(message)
        if sock.recv_multipart() != message:
            print("failed at", size, flush=True)
            return
        count += 1
    print("ok", count, flush=True)


def main():
    role, kind, mechanism, address, keys = sys.argv[1:6]
    context = zmq.Context.instance()
    (serve if role == "serve" else ask)(context, kind, mechanism, address, json.loads(keys))


if __name__ == "__main__":
    main()
