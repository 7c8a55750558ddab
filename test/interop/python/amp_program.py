"""What Twisted's AMP server and client have in common: connections of either, driven by JSON lines.

Commands come as one JSON object per line on stdin, `{"id": …, "do": NAME, …}`, and each is answered by one line with
that `id`, as soon as it is done; lines without an `id` tell of events. Ends with stdin. `on` is the number of a
connection, the last one without it. Values are in the notation of `amp_notation`.
"""

import json
import sys
import threading

from twisted.internet import defer, reactor, ssl
from twisted.internet.error import CertificateError
from twisted.logger import globalLogBeginner
from twisted.protocols import amp

from amp_commands import COMMANDS, Demo, RawFactory, Sum
from amp_notation import values_from_json, values_to_json


def say(told):
    print(json.dumps(told), flush=True)


def own_certificate(cert, key):
    """A certificate with its private key, from the paths of PEM files; or none."""
    if cert is None:
        return None
    with open(cert, "rb") as cert_file, open(key, "rb") as key_file:
        return ssl.PrivateCertificate.loadPEM(cert_file.read() + b"\n" + key_file.read())


def authorities(path):
    """A list of the authority in a PEM file; or none."""
    if path is None:
        return None
    with open(path, "rb") as file:
        return [ssl.Certificate.loadPEM(file.read())]


def options_of_tls(certificate, trusted, accepts):
    """What TLS from the first octet is to look like."""
    if certificate is not None:
        return certificate.options(*(trusted or []))
    if accepts:
        raise ValueError("A server of TLS wants --cert and --key")
    if trusted is None:
        return ssl.CertificateOptions()
    return ssl.CertificateOptions(trustRoot=ssl.trustRootFromCertificates(trusted))


def error_to_json(error):
    """An exception: its class, its text, and what it has of an error on the wire."""
    told = {"class": type(error).__name__, "text": str(error), "code": None, "description": None}
    if isinstance(error, amp.RemoteAmpError):
        told.update(code=error.errorCode.decode("latin-1"), description=error.description)
    elif isinstance(error, amp.UnhandledCommand) and len(error.args) == 2:
        told.update(code=error.args[0].decode("latin-1"), description=error.args[1])
    return told


def box_to_json(box):
    """All pairs of a box, in octets."""
    return {key.decode("latin-1"): "hex:" + value.hex() for key, value in box.items()}


class Inlet:
    """The octets that came on a connection without boxes, and those who wait for them."""

    def __init__(self):
        self.octets = b""
        self.has_ended = False
        self.waiting = []

    def heard(self, octets):
        self.octets += octets
        self.look()

    def ended(self, reason=None):
        self.has_ended = True
        self.look()

    def look(self):
        waiting, self.waiting = self.waiting, []
        for count, waiter in waiting:
            self.settle(count, waiter)

    def settle(self, count, waiter):
        if not self.has_ended and (count is None or len(self.octets) < count):
            self.waiting.append((count, waiter))
            return
        end = len(self.octets) if count is None else count
        taken, self.octets = self.octets[:end], self.octets[end:]
        waiter.callback({"octets": "hex:" + taken.hex(), "ended": self.has_ended})

    def read(self, count):
        """So many octets, or fewer if the connection ends; without a count all until its end."""
        waiter = defer.Deferred()
        self.settle(count, waiter)
        return waiter


class Link:
    """A connection, and what is known of it."""

    def __init__(self):
        # What speaks on it: `Demo`, or `Raw`.
        self.end = None
        self.inlet = Inlet()
        self.reason = None
        self.waiting = []

    def lost(self, reason):
        self.reason = reason
        waiting, self.waiting = self.waiting, []
        for waiter in waiting:
            waiter.callback({"reason": reason})

    def until_lost(self):
        waiter = defer.Deferred()
        if self.reason is None:
            self.waiting.append(waiter)
        else:
            waiter.callback({"reason": self.reason})
        return waiter


class Program:
    """Keeps connections and does with them what it is told."""

    def __init__(self, certificate=None, trusted=None):
        self.certificate = certificate
        self.trusted = trusted
        self.links = []
        self.commands = {
            "call": self.call,
            "low": self.low,
            "many": self.many,
            "starttls": self.start_tls,
            "switch": self.switch,
            "write": self.write,
            "read": self.read,
            "close": self.close,
            "lost": self.lost,
        }

    # ------------------------------------------------------------ running

    def run(self):
        globalLogBeginner.beginLoggingTo([self.log], redirectStandardIO=False)
        threading.Thread(target=self.listen, daemon=True).start()
        reactor.run()

    def listen(self):
        for line in sys.stdin:
            reactor.callFromThread(self.hear, json.loads(line))
        reactor.callFromThread(reactor.stop)

    def log(self, event):
        failure = event.get("log_failure", event.get("failure"))
        if failure is not None:
            say({"event": "logged", "class": type(failure.value).__name__, "text": str(failure.value)})

    def hear(self, told):
        number, name = told.pop("id"), told.pop("do")
        done = defer.maybeDeferred(self.commands[name], **told)
        done.addErrback(lambda failure: {"error": error_to_json(failure.value)})
        done.addCallback(lambda answer: say({"id": number, **(answer or {})}))

    def link(self, on=None):
        return self.links[-1 if on is None else on]

    def demo(self):
        """A new end of a connection that speaks AMP, and tells what happens on it."""
        link = Link()

        def tell(event, **facts):
            if event == "connected":
                link.number = len(self.links)
                self.links.append(link)
            say({"event": event, "on": link.number, **facts})
            if event == "lost":
                link.inlet.ended()
                link.lost(facts["reason"])

        link.end = Demo(tell, self.certificate, self.trusted)
        return link.end

    # ------------------------------------------------------------ commands

    def call(self, command, args=None, on=None, probe=False):
        """Calls; with `probe` tells whether the connection stays, by one more call. Null for a call without answer."""
        kind = COMMANDS[command]
        end = self.link(on).end
        done = defer.maybeDeferred(end.callRemote, kind, **values_from_json(kind.arguments, args or {}))
        done.addCallback(lambda result: {"result": None if result is None else values_to_json(kind.response, result)})
        return self.outcome(end, done, probe)

    def low(self, command, values=None, on=None, answer=True, probe=False):
        """Calls with values that are octets; the answer is a box."""
        end = self.link(on).end
        told = {name: bytes.fromhex(octets.removeprefix("hex:")) for name, octets in (values or {}).items()}
        done = defer.maybeDeferred(end.callRemoteString, command.encode(), answer, **told)
        done.addCallback(lambda box: {"box": None if box is None else box_to_json(box)})
        return self.outcome(end, done, probe)

    def outcome(self, end, done, probe):
        done.addErrback(lambda failure: {"error": error_to_json(failure.value)})
        if not probe:
            return done

        def ask(outcome):
            probing = defer.maybeDeferred(end.callRemote, Sum, a=1, b=2)
            probing.addCallbacks(lambda result: result["total"] == 3, lambda failure: self.is_answer(failure))
            return probing.addCallback(lambda stays: {**outcome, "stays": stays})

        return done.addCallback(ask)

    def is_answer(self, failure):
        return failure.check(amp.RemoteAmpError, amp.UnhandledCommand) is not None

    def many(self, count, on=None):
        """So many sums under way at once; how many were right, wrong, and failed."""
        end = self.link(on).end
        calls = [end.callRemote(Sum, a=index, b=1) for index in range(count)]

        def told(outcomes):
            right = sum(is_done and result["total"] == index + 1 for index, (is_done, result) in enumerate(outcomes))
            failed = sum(not is_done for is_done, _ in outcomes)
            return {"right": right, "wrong": count - right - failed, "failed": failed}

        return defer.DeferredList(calls, consumeErrors=True).addCallback(told)

    def start_tls(self, on=None, cert=None, key=None, ca=None, probe=False):
        """Starts TLS, with a certificate and an authority if they are given; with `probe` tells who is there."""
        end = self.link(on).end
        shown, trusted = own_certificate(cert, key), authorities(ca)
        done = defer.maybeDeferred(
            end.callRemote, amp.StartTLS, tls_localCertificate=shown, tls_verifyAuthorities=trusted
        )
        done.addCallback(lambda result: {"result": {}})
        # Not before an answer over TLS the handshake is known to be done.
        done = self.outcome(end, done, probe)
        return done.addCallback(lambda told: {**told, "peer": self.name_of_peer(end)} if told.get("stays") else told)

    def name_of_peer(self, end):
        try:
            return end.peerCertificate.getSubject().commonName.decode()
        except CertificateError:
            return None

    def switch(self, to, on=None, probe=False):
        """Switches to a protocol of octets, to be used with `write` and `read`."""
        link = self.link(on)
        factory = RawFactory(link.inlet.heard, link.inlet.ended)
        done = defer.maybeDeferred(link.end.callRemote, COMMANDS["Switch"], factory, to=to)
        done.addCallback(lambda result: {"result": {}})
        return self.outcome(link.end, done, probe)

    def write(self, octets, on=None):
        self.link(on).end.transport.write(bytes.fromhex(octets.removeprefix("hex:")))

    def read(self, count=None, on=None):
        return self.link(on).inlet.read(count)

    def close(self, on=None):
        link = self.link(on)
        if link.reason is None:
            link.end.transport.loseConnection()
        return link.until_lost()

    def lost(self, on=None):
        return self.link(on).until_lost()
