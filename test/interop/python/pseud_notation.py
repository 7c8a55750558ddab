"""Values in JSON: an object whose only member begins with `$` stands for what JSON has not."""

import datetime
import decimal
import zoneinfo

import msgpack

EXACT = 2**53 - 1


def to_json(value):
    """What a value looks like in JSON; `$repr` stands for what has no notation."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if -EXACT <= value <= EXACT else {"$int": str(value)}
    if isinstance(value, float):
        # Not finite, or whole: JSON cannot tell.
        return {"$float": repr(value)} if value - value != 0 or value == int(value) else value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"$bytes": bytes(value).hex()}
    if isinstance(value, msgpack.ExtType):
        return {"$ext": [value.code, value.data.hex()]}
    if isinstance(value, msgpack.Timestamp):
        return {"$timestamp": [value.seconds, value.nanoseconds]}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return _map_to_json(value)
    return _date_to_json(value)


def _map_to_json(value):
    is_mistakable = len(value) == 1 and str(next(iter(value))).startswith("$")
    if is_mistakable or not all(isinstance(key, str) for key in value):
        return {"$map": [[to_json(key), to_json(item)] for key, item in value.items()]}
    return {key: to_json(item) for key, item in value.items()}


def _date_to_json(value):
    if isinstance(value, datetime.datetime):
        iso = value.replace(tzinfo=None, fold=0).isoformat()
        return {"$datetime": {"iso": iso, "fold": value.fold, "tz": _zone_to_json(value.tzinfo)}}
    if isinstance(value, datetime.date):
        return {"$date": value.isoformat()}
    if isinstance(value, datetime.timedelta):
        return {"$timedelta": {"days": value.days, "seconds": value.seconds, "microseconds": value.microseconds}}
    if isinstance(value, datetime.tzinfo):
        return {"$tz": _zone_to_json(value)}
    if isinstance(value, decimal.Decimal):
        return {"$decimal": str(value)}
    return {"$repr": repr(value)}


def _zone_to_json(zone):
    if zone is None:
        return None
    if isinstance(zone, datetime.timezone):
        # Its arguments, for a name that was not given shows nowhere else.
        delta, *name = zone.__getinitargs__()
        seconds = delta.total_seconds()
        return {
            "kind": "fixed",
            "offset_seconds": int(seconds) if seconds.is_integer() else seconds,
            "name": name[0] if name else None,
        }
    if isinstance(zone, zoneinfo.ZoneInfo):
        return {"kind": "zoneinfo", "key": zone.key}
    return {"kind": "foreign", "class": f"{type(zone).__module__}.{type(zone).__name__}"}


def from_json(told):
    """What the JSON stands for."""
    if isinstance(told, list):
        return [from_json(item) for item in told]
    if not isinstance(told, dict):
        return told
    if len(told) == 1:
        mark, content = next(iter(told.items()))
        if mark in MARKS:
            return MARKS[mark](content)
    return {key: from_json(item) for key, item in told.items()}


def _zone(told):
    if told is None:
        return None
    if told["kind"] == "zoneinfo":
        return zoneinfo.ZoneInfo(told["key"])
    if told["kind"] != "fixed":
        raise ValueError(f"no zone can be made of {told!r}")
    offset = datetime.timedelta(seconds=told["offset_seconds"])
    if told["name"] is None:
        # As `timezone.utc`, which has no name of its own.
        return datetime.timezone(offset)
    return datetime.timezone(offset, told["name"])


def _datetime(told):
    naive = datetime.datetime.fromisoformat(told["iso"])
    return naive.replace(fold=told.get("fold", 0), tzinfo=_zone(told.get("tz")))


MARKS = {
    "$bytes": bytes.fromhex,
    "$int": int,
    "$float": float,
    "$map": lambda entries: {_key(key): from_json(item) for key, item in entries},
    "$datetime": _datetime,
    "$date": datetime.date.fromisoformat,
    "$timedelta": lambda parts: datetime.timedelta(**parts),
    "$tz": _zone,
    "$timestamp": lambda parts: msgpack.Timestamp(*parts),
    "$ext": lambda parts: msgpack.ExtType(parts[0], bytes.fromhex(parts[1])),
    "$decimal": decimal.Decimal,
}


def _key(told):
    key = from_json(told)
    return tuple(key) if isinstance(key, list) else key
