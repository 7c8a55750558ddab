"""A peer of libzmq that subscribes or publishes, for the ZMTP interoperability matrix.

usage: zmtp_pubsub.py subscribe|publish SOCKET MECHANISM ADDRESS KEYS

SOCKET is SUB or XSUB (subscribe), PUB or XPUB (publish). MECHANISM, ADDRESS and KEYS are those of zmtp_peer.py.

subscribe wants "a", twice, and "control" and prints "got TOPIC BYTES DIGEST" for each message. The message ["control", "cancel"]
makes it cancel "a", twice, and print "cancelled"; ["control", "end"] makes it close and end. publish prints "ready ADDRESS" and
publishes on the topics "a" and "b" until it is killed; XPUB prints "told OCTET PREFIX" for each subscription as well.
"""

import hashlib
import json
import sys
import time

import zmq

from zmtp_peer import admit, make

SIZES = [0, 1, 254, 255, 256, 8192, 65535, 65536]


def subscribe(context, kind, mechanism, address, keys):
    sock = make(context, kind, mechanism, keys, False)
    sock.rcvtimeo = 20000

    def want(prefix, wanted):
        if kind == "XSUB":
            sock.send(bytes([wanted]) + prefix)
        elif wanted:
            sock.subscribe(prefix)
        else:
            sock.unsubscribe(prefix)

    sock.connect(address)
    want(b"a", True)
    want(b"a", True)
    want(b"control", True)
    while True:
        topic, body = sock.recv_multipart()
        if topic == b"control" and body == b"end":
            break
        if topic == b"control":
            want(b"a", False)
            want(b"a", False)
            print("cancelled", flush=True)
        else:
            print("got", topic.decode(), len(body), hashlib.sha256(body).hexdigest(), flush=True)
    sock.close()


def publish(context, kind, mechanism, address, keys):
    auth = admit(context, mechanism, keys)
    sock = make(context, kind, mechanism, keys, True)
    sock.bind(address)
    print("ready", sock.last_endpoint.decode().rstrip("\0"), flush=True)
    count = 0
    while auth is None or auth.is_alive():
        body = bytes(SIZES[count % len(SIZES)])
        sock.send_multipart([b"a", str(count).encode(), body])
        sock.send_multipart([b"b", str(count).encode(), body])
        count += 1
        if sock.poll(5, zmq.POLLIN) if kind == "XPUB" else 0:
            told = sock.recv()
            print("told", told[0], told[1:].decode(), flush=True)
        elif kind == "PUB":
            time.sleep(0.005)


def main():
    role, kind, mechanism, address, keys = sys.argv[1:6]
    context = zmq.Context.instance()
    (subscribe if role == "subscribe" else publish)(context, kind, mechanism, address, json.loads(keys))


if __name__ == "__main__":
    main()
