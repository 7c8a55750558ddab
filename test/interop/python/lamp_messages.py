"""Messages and records of the lamp wire, written from docs/lamp-wire.md, sections 1 and 2."""

import struct
import time
from enum import IntEnum

MAGIC = b"\xc1LP"
GOES_ON = 1
"""The flag of a message with a call of another call's result."""

PYCOM_NUMBERS = {
    "UNKNOWN": 1,
    "METHOD_NOT_FOUND": 2,
    "SERVICE_NOT_FOUND": 3,
    "BAD_REQUEST": 4,
    "ACCESS_DENIED": 5,
    "SESSION_EXPIRED": 6,
}


class Kind(IntEnum):
    HELLO = 0
    CALL = 1
    RESULT = 2
    ERROR = 3
    CANCEL = 4
    ITEM = 5
    END = 6
    CREDIT = 7
    RELEASE = 8
    PING = 9
    PONG = 10
    GOODBYE = 11
    STOP = 12


class CallError(Exception):
    """The error of a call or stream: what happened, and what is known of its execution."""

    def __init__(self, code, outcome, message="", **rest):
        super().__init__(f"{code} ({outcome}): {message}")
        self.code = code
        self.outcome = outcome
        self.message = message
        self.number = rest.get("number")
        self.rest = rest

    @classmethod
    def read(cls, error):
        error = dict(error)
        # The end of a stream tells no outcome.
        return cls(error.pop("code"), error.pop("outcome", None), error.pop("message"), **error)

    @classmethod
    def of(cls, error):
        """What a method threw."""
        if isinstance(error, CallError):
            return error
        return cls("UNKNOWN", "executed", str(error), name=type(error).__name__)

    def write(self):
        number = self.number or PYCOM_NUMBERS.get(self.code, 1)
        return {**self.rest, "code": self.code, "number": number, "outcome": self.outcome, "message": self.message}


class Refused(Exception):
    """What the other end sent cannot be read, or may not be sent: the connection ends."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def clock():
    return int(time.monotonic() * 1000) & 0xFFFFFFFF


def header(flags, read):
    return MAGIC + struct.pack(">BII", flags, clock(), read & 0xFFFFFFFF)


def read_header(data):
    """Flags, the sender's clock, and how many messages it has read."""
    if len(data) < 12 or data[:3] != MAGIC:
        raise Refused("PROTOCOL", "no message of this wire")
    return struct.unpack(">BII", data[3:12])
