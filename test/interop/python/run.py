"""Programs of the peer: run.py nameserver ADDRESS | service ADDRESS NAMESERVER | authenticator ADDRESS NAMESERVER |
check NAMESERVER. The servers print one line `ready ADDRESS`; check prints `ok NAME` or `not ok NAME: why` for each check
and ends with `N passed, N failed`."""

import hashlib
import sys
import traceback

import pycom_peer as pycom
from pycom_peer import Interface, Method, RemoteError, Response, Server


def crash(request):
    raise KeyError("a secret")


def fail(request, code, text):
    raise RemoteError(text, code)


def mirror(request):
    data = request.attachment
    return Response("absent" if data is None else len(data), data)


def ext(request):
    request.response_extensions["demo.answer"] = 1
    return request.extensions


def count(request):
    data = request.session["data"]
    data["count"] = data.get("count", 0) + 1
    return data["count"]


def boom(request):
    raise RemoteError("boom", 100500)


def digest(request, data):
    return len(data), hashlib.sha256(data).hexdigest()


def service(address, nameserver):
    context = pycom.Context(nameserver)
    server = Server(
        [
            Interface(
                "demo.echo",
                {
                    "echo": Method(lambda request: request.args),
                    "add": Method(lambda request, a, b, c=0: a + b + c, ("a", "b"), ("c",)),
                    "divmod": Method(
                        lambda request, a, b: divmod(a, b), ("a", "b"), results=("quotient", "remainder")
                    ),
                    "one": Method(lambda request, a: a, ("a",), results=("value",)),
                    "fail": Method(fail, ("code", "text")),
                    "crash": Method(crash),
                    "digest": Method(digest, ("data",), results=("size", "sha256"), incoming="data"),
                    "blob": Method(
                        lambda request, size: (size, b"\7" * size), ("size",), results=("size", "data"), outgoing="data"
                    ),
                    "mirror": Method(mirror),
                    "ext": Method(ext),
                },
            ),
            Interface("demo.counter", {"counter": Method(count, results=("count",)), "boom": Method(boom)}, stateful=True),
            Interface(
                "demo.locked",
                {"echo": Method(lambda request: request.args), "whoami": Method(lambda request: request.user["name"])},
                authentication="required",
            ),
            Interface("demo.mute", {"echo": Method(lambda request: request.args)}, introspect=False),
        ],
        validate=lambda token: context.locate(pycom.AUTHENTICATOR).invoke("validate", {"token": token}),
    )
    pycom.run_service(server, address, nameserver, "/demo/python")


def authenticator(address, nameserver):
    def authenticate(request, user, credentials):
        if user != "ann" or credentials != {"password": "secret"}:
            raise pycom.AccessDenied("Wrong user or password")
        return {"token": "token-of-ann"}

    def validate(request, token):
        if token != "token-of-ann":
            raise pycom.AccessDenied("Invalid token")
        return {"name": "ann", "roles": ["admin"]}

    methods = {
        "authenticate": Method(authenticate, ("user", "credentials")),
        "validate": Method(validate, ("token",)),
    }
    interface = Interface(pycom.AUTHENTICATOR, methods, authentication="never")
    pycom.run_service(Server([interface]), address, nameserver, "/demo/authenticator")


def nameserver(address):
    names = pycom.Nameserver()
    server = Server([names.interface])
    bound = server.bind(address)
    names.register(None, bound, [pycom.NAMESERVER], "/org/pycom/nameserver")
    server.every(pycom.RENEW_S, lambda: names.register(None, bound, [pycom.NAMESERVER], "/org/pycom/nameserver"))
    print("ready %s" % bound, flush=True)
    server.serve()


def expect(condition, told=None):
    if not condition:
        raise AssertionError(told)


def code_of(call):
    try:
        call()
    except RemoteError as error:
        return error.code
    return 0


def checks(address):
    """What a real PyCOM client does with the demo service behind a nameserver, whoever wrote either."""
    context = pycom.Context(address)
    echo = context.locate("demo.echo")
    proxy = pycom.ProxyComponent(echo)

    def values():
        for value in (None, 1, "é☃", [1, {"a": [True, None]}], {"interface": "x"}, 2**40, 0.5):
            expect(echo.invoke("echo", value) == value, value)

    def proxies():
        expect(proxy.add(1, 2) == 3)
        expect(proxy.add(1, b=2, c=4) == 7)
        result = proxy.divmod(7, 2)
        expect((result.quotient, result.remainder) == (3, 1))
        expect(proxy.one("x") == "x")

    def raw_results():
        expect(echo.invoke("divmod", {"a": 7, "b": 2}) == {"quotient": 3, "remainder": 1})
        expect(echo.invoke("one", {"a": 5}) == {"value": 5})

    def errors():
        expect(code_of(lambda: echo.invoke("fail", {"code": 100500, "text": "own"})) == 100500)
        expect(code_of(lambda: echo.invoke("crash")) == 1)
        expect(code_of(lambda: echo.invoke("add", {"a": 1})) == 4)
        expect(code_of(lambda: echo.invoke("add", [1, 2])) == 4)
        expect(code_of(lambda: context.connect(echo.address, "no.such").invoke("x")) == 4)
        try:
            echo.invoke("nope")
            expect(False, "no error")
        except pycom.MethodNotFound:
            pass

    def attachments():
        data = bytes(range(256)) * 64
        result = echo.invoke("digest", {}, attachment=data)
        expect(result == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}, result)
        expect(proxy.digest(data).size == len(data))
        expect(echo.invoke("blob", {"size": 3}) == ({"size": 3}, b"\7\7\7"))
        expect(proxy.blob(2).data == b"\7\7")
        expect(echo.invoke("mirror") == "absent")
        expect(echo.invoke("mirror", attachment=b"") == (0, b""))

    def sessions():
        counter = context.locate("demo.counter")
        expect(counter.invoke("counter") == {"count": 1})
        first = counter.session_id
        expect(counter.invoke("counter") == {"count": 2})
        expect(code_of(lambda: counter.invoke("boom")) == 100500)
        expect(counter.session_id == first)
        expect(context.locate("demo.counter").invoke("counter") == {"count": 1})
        counter.session_id = "unknown"
        expect(code_of(lambda: counter.invoke("counter")) == 6)
        expect(echo.session_id is None)

    def extensions():
        hooked = pycom.Context(address)
        hooked.prehooks.append(lambda component, extensions: extensions.__setitem__("my.own", [1]))
        expect(hooked.locate("demo.echo").invoke("ext") == {"my.own": [1]})

    def authentication():
        mine = pycom.Context(address)
        expect(mine.user_info() is None)
        expect(code_of(lambda: mine.locate("demo.locked").invoke("echo", 1)) == 5)
        expect(code_of(lambda: mine.authenticate("ann", {"password": "wrong"})) == 5)
        mine.authenticate("ann", {"password": "secret"})
        expect(mine.locate("demo.locked").invoke("whoami") == "ann")
        expect(mine.user_info()["name"] == "ann")

    def introspection():
        data = echo.introspect()
        expect(data["name"] == "demo.echo")
        for name, entry in data["methods"].items():
            members = {"required_arguments", "optional_arguments", "results", "docstring", "attachments"}
            expect(set(entry) == members, name)
        expect(data["methods"]["introspect"]["results"] == ["name", "methods", "docstring", "data"])
        expect(data["methods"]["digest"]["attachments"] == {"incoming": "data", "outgoing": None})

    def nameservers():
        names = context.nameserver()
        expect(names.invoke("stat") == {})
        listed = {record["service"] for record in names.invoke("list_services")}
        expect("/org/pycom/nameserver" in listed, listed)
        own = {"address": "tcp://127.0.0.1:1", "interfaces": ["my.own"], "service": "/my/own"}
        expect(names.invoke("register", own) == {})
        expect(names.invoke("locate", {"interface": "my.own", "service": None}) == own)
        expect(names.invoke("list_services", {"service": "/my"}) == [own])
        expect(names.invoke("list_services", {"service": "/own"}) == [])
        expect(code_of(lambda: names.invoke("list_services", {"service": "("})) == 4)
        expect(code_of(lambda: names.invoke("register", dict(own, interfaces="x"))) == 4)
        echo_record = names.invoke("locate", {"interface": "demo.echo"})
        expect(code_of(lambda: names.invoke("register", dict(own, service=echo_record["service"]))) == 5)
        try:
            context.locate("no.such")
            expect(False, "no error")
        except pycom.ServiceNotFound:
            pass

    return [
        values, proxies, raw_results, errors, attachments, sessions, extensions, authentication, introspection, nameservers,
    ]  # fmt: skip


def check(address):
    failed = 0
    todo = checks(address)
    for one in todo:
        try:
            one()
            print("ok %s" % one.__name__)
        except Exception as error:
            failed += 1
            print("not ok %s: %r" % (one.__name__, error))
            traceback.print_exc()
    print("%d passed, %d failed" % (len(todo) - failed, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    programs = {"nameserver": nameserver, "service": service, "authenticator": authenticator, "check": check}
    try:
        programs[sys.argv[1]](*sys.argv[2:])
    except KeyboardInterrupt:
        pass
