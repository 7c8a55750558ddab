"""How a call ended, in JSON."""

from pseud_errors import WaitsForEver
from pseud_notation import to_json


def describe_error(error):
    if isinstance(error, WaitsForEver):
        return {"waitsForEver": True}
    kind = type(error)
    return {"error": {"class": kind.__name__, "module": kind.__module__, "text": str(error)}}


async def outcome(call):
    """A peer may make a call fail with SystemExit and the like, which are no reason to end here."""
    try:
        return {"result": to_json(await call)}
    except BaseException as error:
        return describe_error(error)
