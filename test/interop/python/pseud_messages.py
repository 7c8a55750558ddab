"""The messages of pseud v1: the octets of their types, and the frames as a ROUTER sends and gets them."""

VERSION = b"v1"

OK = b"\x01"
HELLO = b"\x02"
WORK = b"\x03"
AUTHENTICATED = b"\x04"
HEARTBEAT = b"\x06"
ERROR = b"\x10"
UNAUTHORIZED = b"\x11"

NAMES = {
    OK: "OK",
    HELLO: "HELLO",
    WORK: "WORK",
    AUTHENTICATED: "AUTHENTICATED",
    HEARTBEAT: "HEARTBEAT",
    ERROR: "ERROR",
    UNAUTHORIZED: "UNAUTHORIZED",
}

PROBE_FRAMES = 2
REQ_FRAMES = 4


def compose(routing_id, uid, kind, body=b""):
    """Six frames: a ROUTER takes the first for the address, the other five travel."""
    return [routing_id, b"", VERSION, uid, kind, body]


def split(frames, understands_probes=True):
    """Routing id, version, uid, type and body; a probe has a routing id only. Any other number of frames is fatal."""
    if len(frames) == PROBE_FRAMES and understands_probes:
        return frames[0], None, None, None, None
    if len(frames) == REQ_FRAMES:
        # Meant for a REQ socket. A ROUTER so takes the address for the version.
        return (None, *frames)
    routing_id, _delimiter, version, uid, kind, body = frames
    return routing_id, version, uid, kind, body


def name_of(kind):
    return "PROBE" if kind is None else NAMES.get(kind, "UNKNOWN")


def check_version(version):
    if version != VERSION:
        raise ValueError(f"version {version!r} is not {VERSION!r}")
