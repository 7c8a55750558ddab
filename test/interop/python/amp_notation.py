"""Types of AMP by name, and their values in JSON, in the notation of the vectors: integers, floats and decimals as
text, octets as `hex:…`, a date-time as an object of its fields with `offsetMinutes`, rows as objects, what is absent
as null."""

import datetime
import decimal
import re

from twisted.protocols import amp
from twisted.python.filepath import FilePath

SCALARS = {
    "Integer": amp.Integer,
    "String": amp.String,
    "Unicode": amp.Unicode,
    "Boolean": amp.Boolean,
    "Float": amp.Float,
    "Decimal": amp.Decimal,
    "DateTime": amp.DateTime,
    "Path": amp.Path,
}
# Those of Python 2, whose names begin with a capital letter in Python.
KEYWORDS = (
    "and assert break class continue def del elif else except exec finally for from global if import in is lambda not"
    " or pass print raise return try while yield"
).split()
FIELDS = ("year", "month", "day", "hour", "minute", "second", "microsecond")


def argument(name, optional=False):
    """The type that goes by a name: `Integer`, `ListOf(Integer)`, `AmpList(x Integer, label Unicode optional)`."""
    outer, inner = re.fullmatch(r"(\w+)(?:\((.*)\))?", name).groups()
    if outer == "ListOf":
        return amp.ListOf(argument(inner), optional)
    if outer == "AmpList":
        return amp.AmpList(fields(inner), optional)
    return SCALARS[outer](optional)


def fields(description):
    """Names and types: `a Integer, label Unicode optional`."""
    parts = re.findall(r"(?:\((?:[^()]|\([^()]*\))*\)|[^,(])+", description)
    told = [re.fullmatch(r"\s*(\S+) (.+?)( optional)?", part).groups() for part in parts]
    return [(name.encode(), argument(kind, optional is not None)) for name, kind, optional in told]


def python_name(name):
    """How Twisted spells a name of the wire, given as octets, in Python."""
    text = name.decode().replace("-", "_")
    return text.title() if text in KEYWORDS else text


def from_json(kind, told):
    """A value of a type, as an application in Python has it."""
    if isinstance(kind, amp.ListOf):
        return [from_json(kind.elementType, one) for one in told]
    if isinstance(kind, amp.AmpList):
        return [values_from_json(kind.subargs, row) for row in told]
    if isinstance(kind, amp.Integer):
        return int(told)
    if isinstance(kind, amp.Float):
        return float(told)
    if isinstance(kind, amp.Decimal):
        return decimal.Decimal(told)
    if isinstance(kind, amp.DateTime):
        offset = datetime.timezone(datetime.timedelta(minutes=told["offsetMinutes"]))
        return datetime.datetime(*(told[name] for name in FIELDS), offset)
    if isinstance(kind, amp.Path):
        return FilePath(told)
    if isinstance(kind, amp.String) and not isinstance(kind, amp.Unicode):
        return bytes.fromhex(told.removeprefix("hex:"))
    return told


def to_json(kind, value):
    """What a value of a type looks like in JSON."""
    if isinstance(kind, amp.ListOf):
        return [to_json(kind.elementType, one) for one in value]
    if isinstance(kind, amp.AmpList):
        return [values_to_json(kind.subargs, row) for row in value]
    if isinstance(kind, (amp.Integer, amp.Decimal)):
        return str(value)
    if isinstance(kind, amp.Float):
        return repr(value)
    if isinstance(kind, amp.DateTime):
        offset = int(value.utcoffset().total_seconds()) // 60
        return {**{name: getattr(value, name) for name in FIELDS}, "offsetMinutes": offset}
    if isinstance(kind, amp.Path):
        return value.path
    if isinstance(kind, amp.String) and not isinstance(kind, amp.Unicode):
        return "hex:" + value.hex()
    return value


def values_from_json(described, told):
    """Values by their names in Python; what is null is left out. Names that are not described pass as they are."""
    kinds = {name.decode(): kind for name, kind in described}
    return {
        python_name(name.encode()): from_json(kinds[name], one) if name in kinds else one
        for name, one in told.items()
        if one is not None
    }


def values_to_json(described, values):
    """Values by their names on the wire."""
    told = {name.decode(): (kind, values.get(python_name(name))) for name, kind in described}
    return {name: None if value is None else to_json(kind, value) for name, (kind, value) in told.items()}
