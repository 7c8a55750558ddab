"""What Python itself makes of pickled dates and of the names of errors. Reads one JSON object from stdin, writes one to stdout."""

import builtins
import datetime
import json
import pickle
import sys


def describe_zone(zone):
    if zone is None:
        return None
    if isinstance(zone, datetime.timezone):
        # Its arguments, for a name that was not given shows nowhere else.
        delta, *name = zone.__getinitargs__()
        return {"offset": describe(delta), "name": name[0] if name else None}
    return {"key": zone.key}


def describe(value):
    if isinstance(value, datetime.datetime):
        parts = [value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, value.fold]
        return {"datetime": parts, "zone": describe_zone(value.tzinfo)}
    if isinstance(value, datetime.date):
        return {"date": [value.year, value.month, value.day]}
    if isinstance(value, datetime.timedelta):
        return {"timedelta": [value.days, value.seconds, value.microseconds]}
    return {"zone": describe_zone(value)}


def read_again(octets):
    value = pickle.loads(bytes.fromhex(octets))
    dumps = [pickle.dumps(value, protocol).hex() for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    return {"value": describe(value), "dumps": dumps}


def is_sendable(name):
    """Can a peer make an error of this name and one text, and set it on a future?"""
    found = getattr(builtins, name)
    if not isinstance(found, type) or not issubclass(found, Exception) or found is StopIteration:
        return False
    try:
        found("text")
    except Exception:
        return False
    return True


asked = json.load(sys.stdin)
json.dump(
    {
        "pickles": [read_again(octets) for octets in asked["pickles"]],
        "builtins": {name: is_sendable(name) for name in dir(builtins)},
    },
    sys.stdout,
)
