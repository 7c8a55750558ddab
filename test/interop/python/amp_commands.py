"""The commands that both ends of the interoperability tests of AMP know, and Twisted's answers to them."""

from twisted.internet import reactor, task
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols import amp

from amp_notation import fields


class BaseProblem(Exception):
    """Declared."""


class DerivedProblem(BaseProblem):
    """Not declared itself."""


class FatalProblem(Exception):
    """Declared, and ends the connection."""


class MoreProblem(Exception):
    """Declared by a command that is derived from another."""


class Sum(amp.Command):
    arguments = fields("a Integer, b Integer")
    response = fields("total Integer")


class Repeat(amp.Command):
    arguments = fields("text Unicode, times Integer")
    response = fields("text Unicode")


class Divide(amp.Command):
    arguments = fields("numerator Integer, denominator Integer")
    response = fields("result Float")
    errors = {ZeroDivisionError: b"ZERO_DIVISION"}


class Types(amp.Command):
    """Every type, there and back."""

    arguments = fields(
        "integer Integer optional, string String optional, unicode Unicode optional, boolean Boolean optional,"
        "float Float optional, decimal Decimal optional, datetime DateTime optional, integers ListOf(Integer) optional,"
        "unicodes ListOf(Unicode) optional, nested ListOf(ListOf(Integer)) optional,"
        "rows AmpList(x Integer, label Unicode optional) optional, path Path optional"
    )
    response = arguments


class MoreTypes(amp.Command):
    """Lists of every type, and rows in rows, there and back."""

    arguments = fields(
        "strings ListOf(String) optional, booleans ListOf(Boolean) optional, floats ListOf(Float) optional,"
        "decimals ListOf(Decimal) optional, datetimes ListOf(DateTime) optional, paths ListOf(Path) optional,"
        "tree AmpList(name Unicode, kids AmpList(n Integer)) optional"
    )
    response = arguments


class Mapped(amp.Command):
    """Names that Python spells another way."""

    commandName = b"mapped-command"
    arguments = fields("dash-arg Unicode, from Unicode, print Unicode optional, mixedCase Unicode")
    response = fields("class Unicode")


class Notify(amp.Command):
    arguments = fields("text Unicode")
    requiresAnswer = False


class Fail(amp.Command):
    """Fails in the way that `kind` says; see `Demo.fail`."""

    arguments = fields("kind Unicode")
    response = fields("text Unicode")
    errors = {BaseProblem: b"BASE_PROBLEM"}
    fatalErrors = {FatalProblem: b"FATAL_PROBLEM"}


class FailMore(Fail):
    """Has the errors of `Fail` as well."""

    errors = {MoreProblem: b"MORE_PROBLEM"}


class Bye(amp.Command):
    response = fields("text Unicode")
    responseType = amp.QuitBox


class Switch(amp.ProtocolSwitchCommand):
    """To `upper-echo`, which answers in capital letters, or `prefix-echo`, which says `echo:` first."""

    arguments = fields("to Unicode")
    errors = {BaseProblem: b"BASE_PROBLEM"}


class CallMe(amp.Command):
    """Has the caller divide, who is asked over the same connection."""

    arguments = Divide.arguments
    response = Divide.response
    errors = Divide.errors


class Slow(amp.Command):
    """Answers after so many milliseconds."""

    arguments = fields("milliseconds Integer")
    response = fields("milliseconds Integer")


class Nope(amp.Command):
    """Nobody answers this one."""

    response = fields("text Unicode")


COMMANDS = {
    command.commandName.decode(): command
    for command in (
        Sum, Repeat, Divide, Types, MoreTypes, Mapped, Notify, Fail, FailMore, Bye, Switch, CallMe, Slow, Nope,
        amp.StartTLS,
    )
}  # fmt: skip


class Raw(Protocol):
    """Octets without a meaning; tells who waits for them."""

    def __init__(self, heard=lambda octets: None, ended=lambda reason: None):
        self.heard = heard
        self.ended = ended

    def dataReceived(self, data):
        self.heard(data)

    def connectionLost(self, reason):
        self.ended(reason)


class Echo(Raw):
    """What a connection may be switched to."""

    def __init__(self, prefix, change, ended):
        super().__init__(lambda octets: self.transport.write(change(octets)), ended)
        self.prefix = prefix

    def connectionMade(self):
        self.transport.write(self.prefix)


class Demo(amp.AMP):
    """One end of a connection, which answers all commands. What happens is told to `tell(event, **facts)`."""

    def __init__(self, tell=lambda event, **facts: None, certificate=None, authorities=None):
        super().__init__()
        self.tell = tell
        self.certificate = certificate
        self.authorities = authorities

    def connectionMade(self):
        self.tell("connected")

    def connectionLost(self, reason):
        super().connectionLost(reason)
        self.tell("lost", reason=type(reason.value).__name__)

    @Sum.responder
    def sum(self, a, b):
        return {"total": a + b}

    @Repeat.responder
    def repeat(self, text, times):
        return {"text": text * times}

    @Divide.responder
    def divide(self, numerator, denominator):
        return {"result": numerator / denominator}

    @Types.responder
    def types(self, **values):
        return values

    @MoreTypes.responder
    def more_types(self, **values):
        return values

    @Mapped.responder
    def mapped(self, dash_arg, From, mixedCase, Print=None):
        return {"Class": "|".join((dash_arg, From, Print or "-", mixedCase))}

    @Notify.responder
    def notify(self, text):
        self.tell("notified", text=text)
        return {}

    @Fail.responder
    def fail(self, kind):
        if kind == "badreturn":
            return {"nothing": "of this is declared"}
        if kind == "toolong":
            return {"text": "x" * 65536}
        if kind in FAILURES:
            raise FAILURES[kind]()
        return {"text": kind}

    @FailMore.responder
    def fail_more(self, kind):
        if kind == "more":
            raise MoreProblem("declared by the derived command")
        return self.fail(kind)

    @Bye.responder
    def bye(self):
        return {"text": "bye"}

    @Switch.responder
    def switch(self, to):
        if to == "upper-echo":
            return Echo(b"", bytes.upper, self.inner_ended)
        if to == "prefix-echo":
            return Echo(b"echo:", bytes, self.inner_ended)
        raise BaseProblem("there is no protocol " + to)

    @CallMe.responder
    def call_me(self, numerator, denominator):
        return self.callRemote(Divide, numerator=numerator, denominator=denominator)

    @Slow.responder
    def slow(self, milliseconds):
        return task.deferLater(reactor, milliseconds / 1000, lambda: {"milliseconds": milliseconds})

    @amp.StartTLS.responder
    def start_tls(self):
        own = {"tls_localCertificate": self.certificate, "tls_verifyAuthorities": self.authorities}
        return {name: value for name, value in own.items() if value is not None}

    def amp_LOWLEVEL(self, box):
        return amp.Box(echo=box[b"data"])

    def inner_ended(self, reason):
        self.tell("inner-lost", reason=type(reason.value).__name__)


FAILURES = {
    "known": lambda: BaseProblem("declared"),
    "derived": lambda: DerivedProblem("child of a declared class"),
    "fatal": lambda: FatalProblem("declared and fatal"),
    "unknown": lambda: RuntimeError("a secret"),
    "remote": lambda: amp.RemoteAmpError(b"OF_ITS_OWN", "not declared"),
    "remote-fatal": lambda: amp.RemoteAmpError(b"OF_ITS_OWN", "not declared, and fatal", True),
}


class RawFactory(Factory):
    """Makes one end of a connection that was switched."""

    def __init__(self, heard, ended):
        self.make = lambda: Raw(heard, ended)

    def buildProtocol(self, addr):
        return self.make()

    def clientConnectionFailed(self, connector, reason):
        """The switch was refused."""

    def clientConnectionLost(self, connector, reason):
        """The protocol itself was told."""
