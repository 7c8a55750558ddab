"""What a callee remembers of calls, so that one that is tried again is not executed twice; written from docs/lamp-wire.md,
section 7. It forgets nothing but answers that have been read, or of named calls taken, and keeps no journal."""

import asyncio
from dataclasses import dataclass

from lamp_messages import CallError, Kind


@dataclass
class Execution:
    """One execution of a call, which several tries may wait for, and where its answer went last."""

    outcome: asyncio.Future
    connection: object = None
    message: int | None = None
    once: bool = False

    def answered(self, connection, message, once):
        self.connection, self.message, self.once = connection, message, once

    def is_read(self, connection, read):
        return self.connection is connection and self.message is not None and self.message <= read


def refusal(error):
    """An answer without an execution."""
    outcome = asyncio.get_running_loop().create_future()
    outcome.set_result((Kind.ERROR, error.write()))
    return Execution(outcome)


class Memory:
    """Of all connections to one run of a service."""

    def __init__(self, incarnation):
        self.incarnation = incarnation
        self.connections = {}
        self.highest = {}
        self.executions = {}
        self.taken = {}

    def opened(self, connection, name):
        self.connections[name] = connection

    def acknowledged(self, connection, read):
        """The other end has read so many messages: their answers need not be kept."""
        for key, execution in list(self.executions.items()):
            if key[0] not in self.taken and execution.is_read(connection, read):
                del self.executions[key]

    def take(self, name, number):
        """Nobody will ask for calls of that name up to this number."""
        self.taken[name] = max(number, self.taken.get(name, 0))
        for key in [key for key in self.executions if key[0] == name and key[1] <= self.taken[name]]:
            del self.executions[key]

    def begin(self, connection, name, number, again, run):
        """The execution that answers a call: a new one, or that of an earlier try."""
        if again is None:
            return self.execute(name, number, run) if name else Execution(run())
        name, number = again["call"].rsplit(":", 1)
        number = int(number)
        if again.get("first") is True or "taken" in again:
            return self.begin_named(name, number, again, run)
        if again["incarnation"] == self.incarnation:
            first = self.connections.get(name)
            if first and first is not connection:
                first.drop()
            if number > self.highest.get(name, 0):
                return self.execute(name, number, run)
            execution = self.executions.get((name, number))
            if execution and execution.once:
                raise CallError("REFERENCE_LOST", "executed", "the answer held streams or references")
            if execution:
                return execution
        if again.get("idempotent") is True:
            return self.execute(name, number, run)
        raise CallError("UNAVAILABLE", "unknown", "nothing is known of this call")

    def begin_named(self, name, number, again, run):
        """The execution of a call whose caller has named it."""
        first = again.get("first") is True
        execution = self.executions.get((name, number))
        if first and (execution or number <= self.taken.get(name, 0)):
            raise CallError("UNAVAILABLE", "not-executed", "the name was used before")
        self.take(name, again.get("taken", 0))
        if execution and not execution.once:
            return execution
        if execution and again.get("idempotent") is not True:
            raise CallError("REFERENCE_LOST", "executed", "the answer held streams or references")
        is_new = again["incarnation"] == self.incarnation and number > self.taken[name]
        if first or is_new or again.get("idempotent") is True:
            return self.execute(name, number, run)
        raise CallError("UNAVAILABLE", "unknown", "nothing is known of this call")

    def execute(self, name, number, run):
        self.highest[name] = max(number, self.highest.get(name, 0))
        execution = Execution(run())
        self.executions[name, number] = execution
        return execution
