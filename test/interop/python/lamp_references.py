"""References of the lamp wire, written from docs/lamp-wire.md, section 5."""

from lamp_messages import CallError, Kind, Refused

MAX_REFERENCES = 10_000


class Remote:
    """Base of objects that stay where they are; `methods` names what can be called of them."""

    methods = ()


class RemoteReference:
    """Something of the other end's. A function is called with the method "", an object with one of `methods`."""

    def __init__(self, connection, number, methods):
        self.connection = connection
        self.number = number
        self.methods = methods
        self.received = 0

    def call(self, method, *args, **options):
        return self.connection.call((self.number, method), list(args), positional=True, **options)

    async def __call__(self, *args):
        return (await self.call("", *args)).value

    def release(self):
        if self.connection.held.pop(self.number, None):
            self.connection.write(Kind.RELEASE, self.number, self.received)


class References:
    """What one end has given, by number."""

    def __init__(self):
        self.numbers = {}
        self.targets = {}
        self.last = 0

    def number_of(self, target):
        key = id(target)
        if key not in self.numbers:
            if len(self.targets) >= MAX_REFERENCES:
                raise ValueError("too many references")
            self.last += 1
            self.numbers[key] = self.last
            # Holding the target keeps its id from being used for another object.
            self.targets[self.last] = [target, 0]
        return self.numbers[key]

    def count(self, number):
        self.targets[number][1] += 1

    def release(self, number, count):
        entry = self.targets.get(number)
        if not entry:
            return
        entry[1] -= count
        if entry[1] <= 0:
            del self.targets[number]
            del self.numbers[id(entry[0])]

    def get(self, number):
        if number not in self.targets:
            raise CallError("REFERENCE_LOST", "not-executed", f"reference {number} is not held")
        return self.targets[number][0]

    def method(self, number, name):
        target = self.get(number)
        if not isinstance(target, Remote) and name == "":
            return target
        if isinstance(target, Remote) and name in target.methods:
            return getattr(target, name)
        raise CallError("METHOD_NOT_FOUND", "not-executed", f"reference {number} has no method {name!r}")


def describe(target):
    """What stands after the number of a reference."""
    return [1, list(target.methods)] if isinstance(target, Remote) else [0]


def take(connection, number, kind, methods=None):
    """What a received reference stands for."""
    if kind == 2:
        return connection.references.get(number)
    held = connection.held
    if number not in held:
        if len(held) >= MAX_REFERENCES:
            raise Refused("PROTOCOL", "too many references")
        held[number] = RemoteReference(connection, number, methods if kind == 1 else [""])
    held[number].received += 1
    return held[number]
