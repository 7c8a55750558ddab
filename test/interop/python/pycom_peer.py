"""A PyCOM 0.6 peer for interoperability tests, written from docs/pycom-wire.md.

It behaves as real PyCOM 0.6 does where that matters on the wire: REQ sockets in lockstep, five seconds for every call,
`stat` before the first `locate`, proxies that introspect when they are made and need every member of a method entry, a
ROUTER that stays silent over a breakdown. Nothing here knows the TypeScript side.
"""

import json
import random
import re
import time
import uuid
from collections import namedtuple

import zmq

CALL_TIMEOUT_MS = 5000
SESSION_TIMEOUT_S = 3600.0
LEASE_S = 60.0
RENEW_S = 30.0
AUTH = "org.pycom.auth"
NAMESERVER = "org.pycom.nameserver"
AUTHENTICATOR = "org.pycom.authenticator"


class RemoteError(Exception):
    """An error with a code of section 5."""

    code = 1

    def __init__(self, text=None, code=None):
        super().__init__(text)
        self.text = text
        if code:
            self.code = code


class MethodNotFound(RemoteError):
    code = 2


class ServiceNotFound(RemoteError):
    code = 3


class BadRequest(RemoteError):
    code = 4


class AccessDenied(RemoteError):
    code = 5


class SessionExpired(RemoteError):
    code = 6


class ServiceNotAvailable(Exception):
    """Time-out, failed connect, FAIL: not a RemoteError."""


class Breakdown(Exception):
    """A request that a real 0.6 server loses in silence."""


# ---------------------------------------------------------------- server


class Method:
    """A declared method: names of arguments and results, and what travels as attachment."""

    def __init__(self, body, required=(), optional=(), results=(), incoming=None, outgoing=None):
        self.body = body
        self.required = list(required)
        self.optional = list(optional)
        self.results = list(results)
        self.incoming = incoming
        self.outgoing = outgoing

    def describe(self):
        return {
            "required_arguments": self.required,
            "optional_arguments": self.optional,
            "results": self.results,
            "docstring": self.body.__doc__,
            "attachments": {"incoming": self.incoming, "outgoing": self.outgoing},
        }


class Interface:
    def __init__(self, name, methods, stateful=False, authentication=None, introspect=True):
        self.name = name
        self.methods = dict(methods)
        self.stateful = stateful
        self.authentication = authentication
        if introspect:
            self.methods["introspect"] = Method(
                lambda request: self.describe(), results=("name", "methods", "docstring", "data")
            )

    def describe(self):
        methods = {name: method.describe() for name, method in self.methods.items()}
        return {"name": self.name, "docstring": None, "data": {}, "methods": methods}


class Request:
    def __init__(self, interface, method, args, session, extensions, attachment):
        self.interface = interface
        self.method = method
        self.args = args
        self.session = session
        self.extensions = extensions
        self.attachment = attachment
        self.response_extensions = {}
        self.user = None


class Response:
    """A result together with an attachment."""

    def __init__(self, result, attachment=None):
        self.result = result
        self.attachment = attachment


class Server:
    """A single-threaded ROUTER server (section 6)."""

    def __init__(self, interfaces, validate=None):
        self.interfaces = {interface.name: interface for interface in interfaces}
        self.validate = validate
        self.sessions = {}
        self.socket = zmq.Context.instance().socket(zmq.ROUTER)
        self.socket.linger = 500
        self.address = None
        self.timers = []

    def bind(self, address):
        self.socket.bind(re.sub(r":0$", ":*", address))
        self.address = self.socket.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        return self.address

    def every(self, seconds, callback):
        self.timers.append([time.monotonic() + seconds, seconds, callback])

    def serve(self):
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        while True:
            if poller.poll(50):
                self.handle(self.socket.recv_multipart())
            now = time.monotonic()
            for timer in self.timers:
                if timer[0] <= now:
                    timer[0] = now + timer[1]
                    timer[2]()

    def handle(self, frames):
        start = frames.index(b"") + 1
        try:
            reply = self.reply(frames[start:])
        except Breakdown:
            return  # As a real 0.6 server: what it means to answer never arrives.
        self.socket.send_multipart(frames[:start] + reply)

    def reply(self, parts):
        session = None
        request = None
        try:
            request, interface = self.read(parts)
            if interface.stateful:
                session = self.attach(request.session)
            request.session = session
            method = interface.methods.get(request.method)
            if method is None:
                raise MethodNotFound("Method '%s' not found in interface %s" % (request.method, interface.name))
            if interface.authentication == "required":
                self.authenticate(request)
            result, attachment = self.run(method, request)
            answer = {"code": 0, "result": result}
        except RemoteError as error:
            answer, attachment = {"code": error.code or 1, "error": error.text}, None
        except Breakdown:
            raise
        except Exception:
            answer, attachment = {"code": 1, "error": "Unknown error during request"}, None
        if session is not None:
            answer["session_id"] = session["id"]
        if request is not None and request.response_extensions:
            answer["extensions"] = request.response_extensions
        frames = [b"OK", json.dumps(answer).encode()]
        return frames if attachment is None else frames + [attachment]

    def read(self, parts):
        if len(parts) < 2:
            raise Breakdown()
        if parts[0] != b"CALL":
            raise BadRequest("Unknown command: %s" % parts[0].decode("latin1"))
        try:
            data = json.loads(parts[1].decode("utf-8"))
        except ValueError as error:
            raise BadRequest(str(error))
        if not isinstance(data, dict):
            raise Breakdown()
        for field in ("interface", "method"):
            if field not in data:
                raise BadRequest("Field %s is required" % field)
        if len(parts) > 3:
            raise BadRequest("Expected 2-3 parts, got %d" % len(parts))
        interface = self.interfaces.get(data["interface"])
        if interface is None:
            raise BadRequest("Unsupported interface: %s" % data["interface"])
        attachment = parts[2] if len(parts) == 3 else None
        extensions = data.get("extensions") or {}
        request = Request(
            data["interface"], data["method"], data.get("args"), data.get("session_id"), extensions, attachment
        )
        return request, interface

    def attach(self, session_id):
        now = time.monotonic()
        if session_id is None:
            session = {"id": uuid.uuid1().hex, "data": {}}
            self.sessions[session["id"]] = session
        else:
            session = self.sessions.get(session_id)
            if session is None or now - session["used"] > SESSION_TIMEOUT_S:
                raise SessionExpired("Session '%s' has expired" % session_id)
        session["used"] = now
        return session

    def authenticate(self, request):
        token = request.extensions.get(AUTH)
        if token is None:
            raise AccessDenied("Authentication required")
        request.user = self.validate(token)

    def run(self, method, request):
        values = {}
        if method.required or method.optional:
            args = {} if request.args is None else request.args
            if not isinstance(args, dict):
                raise BadRequest("Arguments must be an object")
            for name in method.required:
                if name == method.incoming:
                    values[name] = request.attachment
                elif name in args:
                    values[name] = args[name]
                else:
                    raise BadRequest("Argument %s is required" % name)
            values.update((name, args[name]) for name in method.optional if name in args)
        result = method.body(request, **values)
        attachment = None
        if isinstance(result, Response):
            result, attachment = result.result, result.attachment
        if len(method.results) == 1:
            result = {method.results[0]: result}
        elif len(method.results) > 1 and request.method != "introspect":
            if len(result) != len(method.results):
                raise RemoteError("Unknown error during request")
            result = dict(zip(method.results, result))
        if method.outgoing in method.results:
            attachment = result.pop(method.outgoing)
        return result, attachment


# ---------------------------------------------------------------- client


class Component:
    """A REQ socket in lockstep (section 16.2)."""

    def __init__(self, address, name, context=None):
        self.address = address
        self.name = name
        self.context = context
        self.session_id = None
        self.socket = zmq.Context.instance().socket(zmq.REQ)
        self.socket.linger = 0
        self.socket.connect(address)

    def invoke(self, method, args=None, attachment=None):
        request = {"interface": self.name, "method": method, "args": args, "version": "1.0"}
        if self.session_id is not None:
            request["session_id"] = self.session_id
        extensions = {}
        if self.context is not None:
            for hook in self.context.prehooks:
                hook(self, extensions)
        if extensions:
            request["extensions"] = extensions
        frames = [b"CALL", json.dumps(request).encode()]
        if attachment is not None:
            frames.append(attachment)
        if not self.socket.poll(CALL_TIMEOUT_MS, zmq.POLLOUT):
            raise ServiceNotAvailable("cannot send")
        self.socket.send_multipart(frames)
        if not self.socket.poll(CALL_TIMEOUT_MS, zmq.POLLIN):
            raise ServiceNotAvailable("no answer")
        parts = self.socket.recv_multipart()
        status, body = parts[0], parts[1]
        if status != b"OK":
            raise ServiceNotAvailable("FAIL")
        answer = json.loads(body.decode())
        if answer["code"] != 0:
            text = answer.get("error") or "Remote error #%d" % answer["code"]
            if answer["code"] == 2:
                raise MethodNotFound("Method %s not found" % method)
            raise RemoteError(text, answer["code"])
        if answer.get("session_id") is not None:
            self.session_id = answer["session_id"]
        result = answer.get("result")
        return (result, parts[2]) if len(parts) > 2 else result

    def introspect(self):
        return self.invoke("introspect")

    def close(self):
        self.socket.close()


class ProxyComponent:
    """Methods as callables; introspects when it is made (section 16.3)."""

    def __init__(self, component):
        self.component = component
        data = component.introspect()
        for name, entry in data["methods"].items():
            setattr(self, name, self._make(name, entry))

    def _make(self, name, entry):
        required, results = entry["required_arguments"], entry["results"]
        incoming, outgoing = entry["attachments"]["incoming"], entry["attachments"]["outgoing"]

        def call(*values, **named):
            if len(values) > len(required):
                raise TypeError("too many arguments")
            args = dict(zip(required, values), **named)
            missing = [argument for argument in required if argument not in args]
            if missing:
                raise TypeError("missing %s" % missing)
            # The real proxy leaves the attachment in args as well, and so cannot send one; this one can.
            attachment = args.pop(incoming, None) if incoming else None
            result = self.component.invoke(name, args, attachment=attachment)
            if isinstance(result, tuple):
                result, received = result
                if outgoing in results:
                    result[outgoing] = received
            if len(results) == 1:
                return result[results[0]]
            if len(results) > 1:
                kind = namedtuple(name, results)
                return kind(**{key: result[key] for key in results})
            return result

        return call


class Context:
    """A client context (section 16.1)."""

    def __init__(self, nameserver):
        self.address = nameserver
        self.prehooks = []
        self.token = None
        self._nameserver = None

    def nameserver(self):
        if self._nameserver is None:
            component = Component(self.address, NAMESERVER)
            component.invoke("stat")
            self._nameserver = component
        return self._nameserver

    def locate(self, interface, service=None):
        try:
            record = self.nameserver().invoke("locate", {"interface": interface, "service": service})
        except RemoteError as error:
            if error.code == 3:
                raise ServiceNotFound(error.text)
            raise
        return self.connect(record["address"], interface)

    def connect(self, address, interface):
        return Component(address, interface, self)

    def authenticate(self, user, credentials):
        result = self.locate(AUTHENTICATOR).invoke("authenticate", {"user": user, "credentials": credentials})
        self.token = result["token"]
        self.prehooks.append(lambda component, extensions: extensions.__setitem__(AUTH, self.token))

    def user_info(self):
        if self.token is None:
            return None
        return self.locate(AUTHENTICATOR).invoke("validate", {"token": self.token})


# ---------------------------------------------------------------- nameserver


class Nameserver:
    """Sections 14.1 to 14.5."""

    def __init__(self):
        self.records = {}
        self.interface = Interface(
            NAMESERVER,
            {
                "stat": Method(lambda request: {}),
                "register": Method(self.register, ("address", "interfaces", "service")),
                "locate": Method(self.locate, ("interface",), ("service",)),
                "list_services": Method(self.list_services, (), ("interface", "service")),
            },
            authentication="never",
        )

    def register(self, request, address, interfaces, service):
        is_texts = isinstance(interfaces, list) and all(isinstance(item, str) for item in interfaces)
        if not isinstance(address, str) or not isinstance(service, str) or not is_texts:
            raise BadRequest("Wrong type of an argument")
        known = self.live().get(service)
        if known is not None and known["address"] != address:
            raise AccessDenied("Service %s is registered from another address" % service)
        self.records[service] = {"address": address, "service": service, "interfaces": interfaces, "at": time.monotonic()}
        return {}

    def live(self):
        now = time.monotonic()
        self.records = {name: record for name, record in self.records.items() if now - record["at"] < LEASE_S}
        return self.records

    def public(self, record):
        return {key: record[key] for key in ("address", "service", "interfaces")}

    def locate(self, request, interface, service=None):
        found = [
            record
            for record in self.live().values()
            if interface in record["interfaces"] and service in (None, record["service"])
        ]
        if not found:
            raise ServiceNotFound("Interface not found: %s" % interface)
        return self.public(random.choice(found))

    def list_services(self, request, interface=None, service=None):
        try:
            by_interface = re.compile(interface) if interface is not None else None
            by_service = re.compile(service) if service is not None else None
        except (re.error, TypeError) as error:
            raise BadRequest(str(error))
        return [
            self.public(record)
            for record in self.live().values()
            if (by_service is None or by_service.match(record["service"]))
            and (by_interface is None or any(by_interface.match(name) for name in record["interfaces"]))
        ]


def run_service(server, address, nameserver, service):
    """Section 15; but for the order of binding and registering, which port 0 turns round."""
    bound = server.bind(address)
    client = Component(nameserver, NAMESERVER)
    client.invoke("stat")
    record = {"address": bound, "interfaces": sorted(server.interfaces), "service": service}
    client.invoke("register", record)
    server.every(RENEW_S, lambda: client.invoke("register", record))
    print("ready %s" % bound, flush=True)
    server.serve()
